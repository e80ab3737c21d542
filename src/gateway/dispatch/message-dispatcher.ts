import { Injectable } from '@nestjs/common';
import { MessageRouter } from '../../messaging/message-router.js';
import { SystemRequestHandler } from '../../messaging/system-request-handler.js';
import { decode, MessageError, isReserved, stampedFrame, type Envelope } from '../../protocol/index.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { HandledMessages } from './handled-messages.js';
import { HandlerReplies } from './handler-replies.js';
import { TokenRenewal } from '../auth/token-renewal.js';

/** Stands for a message whose envelope is not known when something fails. */
const UNREAD: Envelope = { type: '', receiver: undefined, id: undefined, data: undefined, rest: '' };

const RENEW = 'sys.auth';

/** Takes in what `ws` read, the exact way: decodes it, finds whose it is, and answers every fault. */
@Injectable()
export class MessageDispatcher {
  constructor(
    private readonly router: MessageRouter,
    private readonly words: SystemRequestHandler,
    private readonly handled: HandledMessages,
    private readonly replies: HandlerReplies,
    private readonly renewal: TokenRenewal,
  ) {}

  /** Reads one text message, the exact way. @param bytes its length on the wire */
  read(socket: GatewaySocket, text: string, bytes: number): void {
    const { sessionRateLimiter } = socket;
    if (sessionRateLimiter === undefined || sessionRateLimiter.spend(bytes))
      this.#answering(socket, () => this.#accept(socket, decode(text)));
    else this.#answering(socket, () => refuse(text, sessionRateLimiter.waitMs(bytes)));
  }

  /** Carries out a message that was read and checked. */
  dispatch(socket: GatewaySocket, envelope: Envelope): void {
    this.#answering(socket, () => this.#accept(socket, envelope));
  }

  /** Refuses a message that was read and is one too many. @param bytes its length on the wire */
  refuse(socket: GatewaySocket, id: string | undefined, bytes: number): void {
    this.#answering(socket, () => {
      throw MessageError.of('rate_limited', id, { retryAfterMs: socket.sessionRateLimiter!.waitMs(bytes) });
    });
  }

  /** Answers whatever is thrown: nobody above would catch it. */
  #answering({ session }: GatewaySocket, work: () => void): void {
    if (session === undefined || session.closed) return;
    this.replies.counters.received++;
    try {
      work();
    } catch (error) {
      if (error instanceof MessageError) this.replies.fault(session, error);
      else this.replies.failed(session, UNREAD, error);
    }
  }

  /** @throws {MessageError} whatever is wrong with the message */
  #accept(socket: GatewaySocket, envelope: Envelope): void {
    const session = socket.session!;
    const { type, receiver, id } = envelope;
    if (type === RENEW) return this.renewal.renew(session, envelope);
    if (isReserved(type)) return this.words.answer(session, envelope);
    if (this.handled.take(socket, envelope)) return;
    if (receiver === undefined) throw MessageError.of('unknown_type', id);
    this.router.route(session, receiver, stampedFrame(session.id, envelope), id);
  }
}

/** Refuses a message that is one too many, by its `id` where one can be read. @throws {MessageError} `rate_limited`, always */
function refuse(text: string, retryAfterMs: number): never {
  let ref: string | undefined;
  try {
    ref = decode(text).id;
  } catch (error) {
    if (error instanceof MessageError) ref = error.ref;
  }
  throw MessageError.of('rate_limited', ref, { retryAfterMs });
}
