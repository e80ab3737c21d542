import { ForbiddenException, HttpException, Injectable, UnauthorizedException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { randomBytes } from 'node:crypto';
import {
  ackFrame,
  answerFrame,
  errorFrame,
  ERROR_CODE,
  ERRORS,
  MessageError,
  isApplicationType,
  type Envelope,
} from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { Log } from '../../telemetry/log.js';
import { Counters } from '../../telemetry/counters.js';
import type { GatewaySocket } from '../gateway-socket.js';

/** Nest's word for a guard's no. */
const GUARD_SAID_NO = 'Forbidden resource';
/** Stands for the codes that handlers have of their own: there may be any number of them. */
const HANDLERS_OWN = 'handler';

/** What becomes of a handler's outcome: application messages, the closing ack, or one `sys.error`. */
@Injectable()
export class HandlerReplies {
  constructor(
    readonly counters: Counters,
    private readonly log: Log,
  ) {}

  /** Sends one value under the request's own type, or a `WsResponse` under its event; nothing for `undefined` and `null`. */
  value(session: Session, { type, id }: Envelope, value: unknown): void {
    if (value === undefined || value === null) return;
    const response = isWsResponse(value) ? value : { event: type, data: value };
    if (!isApplicationType(response.event))
      throw new Error(
        `a handler answered under "${response.event}", which no application message may have as its type`,
      );
    session.send(answerFrame(response.event, session.id, id, JSON.stringify(response.data)));
  }

  /** Closes the exchange of a message with an `id`. */
  done(session: Session, { id }: Envelope): void {
    if (id !== undefined) session.send(ackFrame(session.id, id, 'accepted'));
  }

  /** Answers a message whose handler, or anything else on its way, threw. Throws nothing, whatever that was. */
  failed(session: Session, { type, id }: Envelope, error: unknown): void {
    if (session.closed) return;
    try {
      const fault = toFault(error, id);
      if (fault !== undefined) return this.fault(session, fault);
    } catch {
      // It cannot be read (a getter throws) or not be put in JSON: only the log may know.
    }
    this.fault(session, this.#internal(session, type, id, error));
  }

  /** Answers a fault, whoever found it, and ends the session where it was one too many. */
  fault(session: Session, { code, message, ref, details }: MessageError): void {
    const frame = errorFrame(session.id, code, message, ref, details);
    this.counters.count(this.counters.refused, Object.hasOwn(ERRORS, code) ? code : HANDLERS_OWN);
    this.log.info('message refused', { code, session: session.id, address: session.address });
    session.send(frame);
    if ((session.socket as GatewaySocket).sessionRateLimiter?.recordError(code) === true) session.close(1008);
  }

  /** Logs what happened under an incident, which is all that the client learns of it. */
  #internal(session: Session, type: string, id: string | undefined, error: unknown): MessageError {
    const incident = randomBytes(6).toString('hex');
    this.log.error(error, { incident, session: session.id, type });
    return MessageError.of('internal_error', id, { incident });
  }
}

/** The fault that an exception of a handler, guard or pipe stands for; `undefined` where only the log may know. */
function toFault(error: unknown, ref: string | undefined): MessageError | undefined {
  if (error instanceof MessageError) return new MessageError(error.code, error.message, ref, error.details);
  if (error instanceof WsException) return fromWsException(error.getError(), ref);
  if (error instanceof ForbiddenException || error instanceof UnauthorizedException)
    return MessageError.of('forbidden', ref);
  if (error instanceof HttpException && error.getStatus() === 400)
    return new MessageError('invalid_message', messageOf(error.getResponse()) ?? ERRORS.invalid_message, ref);
  return undefined;
}

/** @param error what the exception was made with: typed as text or an object, but a handler may have left it out */
function fromWsException(error: unknown, ref: string | undefined): MessageError {
  if (error === GUARD_SAID_NO) return MessageError.of('forbidden', ref);
  if (typeof error === 'string') return new MessageError('refused', error, ref);
  if (typeof error !== 'object' || error === null) return MessageError.of('refused', ref);
  const code =
    'code' in error && typeof error.code === 'string' && ERROR_CODE.test(error.code) ? error.code : 'refused';
  return new MessageError(code, messageOf(error) ?? ERRORS.refused, ref);
}

function messageOf(response: unknown): string | undefined {
  if (typeof response === 'string') return response;
  if (typeof response !== 'object' || response === null || !('message' in response)) return undefined;
  const { message } = response;
  return Array.isArray(message) ? message.join('; ') : typeof message === 'string' ? message : undefined;
}

function isWsResponse(value: unknown): value is { event: string; data: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'event' in value &&
    typeof value.event === 'string' &&
    'data' in value
  );
}
