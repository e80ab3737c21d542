import { Injectable } from '@nestjs/common';
import { MessageRouter } from '../../messaging/message-router.js';
import {
  decode,
  ERRORS,
  isReserved,
  MAX_FREE_REPORT_BYTES,
  MessageError,
  SEEN_TYPE,
  type Envelope,
  type ServerRequest,
} from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { Counters } from '../../telemetry/counters.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { HandlerReplies } from './handler-replies.js';
import { HandlerRunner } from './handler-runner.js';
import { SystemRequestRunner } from './system-request-runner.js';

/** Stands for a message that could not be parsed. */
const UNPARSED: ServerRequest = { type: '', id: undefined, receiver: undefined, data: undefined };

/** The fields of a message that a reply and its line in the log need. */
interface Answered {
  readonly type: string | undefined;
  readonly id: string | undefined;
}

/** Dispatches messages on the slow path: to a system request, a handler or a receiver. Replies with every error. */
@Injectable()
export class MessageDispatcher {
  constructor(
    private readonly router: MessageRouter,
    private readonly systemRequests: SystemRequestRunner,
    private readonly handlers: HandlerRunner,
    private readonly replies: HandlerReplies,
    private readonly counters: Counters,
  ) {}

  /** Decodes and dispatches one text message. @param bytes its length on the wire */
  read(socket: GatewaySocket, text: string, bytes: number): void {
    const { rateLimiter, resumption = null } = socket.session ?? {};
    // A report of a client that may come back is neither charged nor counted.
    const isReport = resumption !== null && text.includes('seen') && answeredIn(text).type === SEEN_TYPE;
    const isFree = isReport && bytes <= MAX_FREE_REPORT_BYTES;
    if (isFree || rateLimiter === undefined || rateLimiter.tryTake(bytes)) this.#read(socket, text, bytes);
    else this.refuse(socket, answeredIn(text), bytes);
    if (!isReport) resumption?.received(bytes);
  }

  /**
   * Dispatches a handled message, or a request to the server, that is already decoded and within the rate limit.
   *
   * @param heldBytes its size in memory
   */
  dispatch(socket: GatewaySocket, request: ServerRequest, heldBytes: number): void {
    const session = this.#received(socket);
    if (session === undefined) return;
    try {
      if (!this.#answer(socket, session, request, heldBytes)) throw MessageError.of('unknown_type', request.id);
    } catch (error) {
      this.#failed(session, request.type, error);
    }
  }

  /** Routes a message that is already decoded and within the rate limit, and that no handler claims. */
  route(socket: GatewaySocket, envelope: Envelope): void {
    const session = this.#received(socket);
    if (session !== undefined) this.#route(session, envelope);
  }

  /**
   * Refuses a message that exceeds the rate limit. Throws nothing, because the stack of an exception costs most of the
   * time of a flood.
   *
   * @param bytes its length on the wire
   */
  refuse(socket: GatewaySocket, { type, id }: Answered, bytes: number): void {
    const session = this.#received(socket);
    if (session === undefined) return;
    const details = { retryAfterMs: session.rateLimiter!.waitMs(bytes) };
    this.replies.error(session, type, { code: 'rate_limited', message: ERRORS.rate_limited, ref: id, details });
  }

  #read(socket: GatewaySocket, text: string, bytes: number): void {
    let type: string | undefined;
    const session = this.#received(socket);
    if (session === undefined) return;
    try {
      const envelope = decode(text);
      type = envelope.type;
      // A text with other characters than ASCII may take two bytes for each. Its `data` is a part of the same memory.
      const heldBytes = text.length === bytes ? bytes : 2 * text.length;
      if (!this.#answer(socket, session, envelope, heldBytes)) this.#route(session, envelope);
    } catch (error) {
      this.#failed(session, type, error);
    }
  }

  /** Counts a message and returns its session; `undefined` once the session has ended. */
  #received({ session }: GatewaySocket): Session | undefined {
    if (session === undefined || session.closed) return undefined;
    this.counters.received++;
    return session;
  }

  /** Replies with an error, because no caller catches it. @param type of the message, where it could be read */
  #failed(session: Session, type: string | undefined, error: unknown): void {
    if (error instanceof MessageError) this.replies.error(session, type ?? error.type, error);
    else this.replies.failed(session, UNPARSED, error);
  }

  /** Routes a message, and replies to whatever the application's policy throws by the `id` of the message. */
  #route(session: Session, envelope: Envelope): void {
    try {
      this.router.route(session, envelope);
    } catch (error) {
      this.replies.failed(session, envelope, error);
    }
  }

  /** Answers a request to the server or queues a handled message; returns `false` for any other message. */
  #answer(socket: GatewaySocket, session: Session, request: ServerRequest, heldBytes: number): boolean {
    if (!isReserved(request.type)) return this.handlers.enqueue(socket, session, request, heldBytes);
    this.systemRequests.run(session, request);
    return true;
  }
}

/** Returns the `id` and the `type` of a message, where they can be read. */
function answeredIn(text: string): Answered {
  try {
    return decode(text);
  } catch (error) {
    return error instanceof MessageError ? { type: error.type, id: error.ref } : UNPARSED;
  }
}
