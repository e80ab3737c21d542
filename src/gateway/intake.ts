import { Inject, Injectable } from '@nestjs/common';
import { MessageRouter } from '../messaging/message-router.js';
import { ServerWords } from '../messaging/server-words.js';
import { decode, Fault, isReserved, stampedFrame, type Envelope } from '../protocol/index.js';
import type { GatewaySocket } from './gateway-socket.js';
import { HandledMessages } from './handled-messages.js';
import { HandlerReplies } from './handler-replies.js';
import { TokenRenewal } from './token-renewal.js';

/** Stands for a message whose envelope is not known when something fails. */
const UNREAD: Envelope = { type: '', receiver: undefined, id: undefined, data: undefined, rest: '' };

const RENEW = 'sys.auth';

/** Takes in what `ws` read, the exact way: decodes it, finds whose it is, and answers every fault. */
@Injectable()
export class Intake {
  constructor(
    @Inject(MessageRouter) private readonly router: MessageRouter,
    @Inject(ServerWords) private readonly words: ServerWords,
    @Inject(HandledMessages) private readonly handled: HandledMessages,
    @Inject(HandlerReplies) private readonly replies: HandlerReplies,
    @Inject(TokenRenewal) private readonly renewal: TokenRenewal,
  ) {}

  /** Reads one text message, the exact way. @param bytes its length on the wire */
  read(socket: GatewaySocket, text: string, bytes: number): void {
    const { allowance } = socket;
    if (allowance === undefined || allowance.spend(bytes))
      this.#answering(socket, () => this.#accept(socket, decode(text)));
    else this.#answering(socket, () => refuse(text, allowance.waitMs(bytes)));
  }

  /** Carries out a message that was read and checked. */
  carryOut(socket: GatewaySocket, envelope: Envelope): void {
    this.#answering(socket, () => this.#accept(socket, envelope));
  }

  /** Refuses a message that was read and is one too many. @param bytes its length on the wire */
  refuse(socket: GatewaySocket, id: string | undefined, bytes: number): void {
    this.#answering(socket, () => {
      throw Fault.of('rate_limited', id, { retryAfterMs: socket.allowance!.waitMs(bytes) });
    });
  }

  /** Answers whatever is thrown: nobody above would catch it. */
  #answering({ session }: GatewaySocket, work: () => void): void {
    if (session === undefined || session.ended) return;
    this.replies.telemetry.received++;
    try {
      work();
    } catch (error) {
      if (error instanceof Fault) this.replies.fault(session, error);
      else this.replies.failed(session, UNREAD, error);
    }
  }

  /** @throws {Fault} whatever is wrong with the message */
  #accept(socket: GatewaySocket, envelope: Envelope): void {
    const session = socket.session!;
    const { type, receiver, id } = envelope;
    if (type === RENEW) return this.renewal.renew(session, envelope);
    if (isReserved(type)) return this.words.answer(session, envelope);
    if (this.handled.take(socket, envelope)) return;
    if (receiver === undefined) throw Fault.of('unknown_type', id);
    this.router.route(session, receiver, stampedFrame(session.id, envelope), id);
  }
}

/** Refuses a message that is one too many, by its `id` where one can be read. @throws {Fault} `rate_limited`, always */
function refuse(text: string, retryAfterMs: number): never {
  let ref: string | undefined;
  try {
    ref = decode(text).id;
  } catch (error) {
    if (error instanceof Fault) ref = error.ref;
  }
  throw Fault.of('rate_limited', ref, { retryAfterMs });
}
