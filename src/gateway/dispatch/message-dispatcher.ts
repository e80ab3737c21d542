import { Injectable } from '@nestjs/common';
import { MessageRouter } from '../../messaging/message-router.js';
import { SystemRequestHandler } from '../../messaging/system-request-handler.js';
import { decode, MessageError, isReserved, stampedFrame, type Envelope } from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { Counters } from '../../telemetry/counters.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { HandlerReplies } from './handler-replies.js';
import { HandlerRunner } from './handler-runner.js';

/** Stands for the envelope of a message that could not be parsed. */
const UNPARSED: Envelope = { type: '', receiver: undefined, id: undefined, data: undefined, rest: '' };

/** Dispatches messages on the slow path: to a system request, a handler or a receiver. Replies with every error. */
@Injectable()
export class MessageDispatcher {
  constructor(
    private readonly router: MessageRouter,
    private readonly systemRequests: SystemRequestHandler,
    private readonly handlers: HandlerRunner,
    private readonly replies: HandlerReplies,
    private readonly counters: Counters,
  ) {}

  /** Decodes and dispatches one text message. @param bytes its length on the wire */
  read(socket: GatewaySocket, text: string, bytes: number): void {
    const { sessionRateLimiter } = socket;
    if (sessionRateLimiter === undefined || sessionRateLimiter.tryTake(bytes))
      this.#withErrorReply(socket, (session) => this.#dispatch(socket, session, decode(text)));
    else this.#withErrorReply(socket, () => refuse(text, sessionRateLimiter.waitMs(bytes)));
  }

  /** Dispatches a message that is already decoded and within the rate limit. */
  dispatch(socket: GatewaySocket, envelope: Envelope): void {
    this.#withErrorReply(socket, (session) => this.#dispatch(socket, session, envelope));
  }

  /** Refuses a message that is decoded and exceeds the rate limit. @param bytes its length on the wire */
  refuse(socket: GatewaySocket, id: string | undefined, bytes: number): void {
    this.#withErrorReply(socket, () => {
      throw MessageError.of('rate_limited', id, { retryAfterMs: socket.sessionRateLimiter!.waitMs(bytes) });
    });
  }

  /** Replies with whatever `work` throws, because no caller catches it. */
  #withErrorReply({ session }: GatewaySocket, work: (session: Session) => void): void {
    if (session === undefined || session.closed) return;
    this.counters.received++;
    try {
      work(session);
    } catch (error) {
      if (error instanceof MessageError) this.replies.error(session, error);
      else this.replies.failed(session, UNPARSED, error);
    }
  }

  /** @throws {MessageError} when the message is invalid or cannot be routed */
  #dispatch(socket: GatewaySocket, session: Session, envelope: Envelope): void {
    const { type, receiver, id } = envelope;
    if (isReserved(type)) return this.#answerRequest(session, envelope);
    if (this.handlers.enqueue(socket, session, envelope)) return;
    if (receiver === undefined) throw MessageError.of('unknown_type', id);
    this.router.route(session, receiver, stampedFrame(session.id, envelope), id);
  }

  #answerRequest(session: Session, envelope: Envelope): void {
    void this.systemRequests
      .answer(session, envelope)
      ?.catch((error: unknown) => this.replies.failed(session, envelope, error));
  }
}

/**
 * Refuses a message that exceeds the rate limit, by its `id` where one can be read.
 *
 * @throws {MessageError} `rate_limited`, always
 */
function refuse(text: string, retryAfterMs: number): never {
  let ref: string | undefined;
  try {
    ref = decode(text).id;
  } catch (error) {
    if (error instanceof MessageError) ref = error.ref;
  }
  throw MessageError.of('rate_limited', ref, { retryAfterMs });
}
