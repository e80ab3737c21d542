import { Injectable } from '@nestjs/common';
import {
  ackFrame,
  answerFrame,
  errorFrame,
  ERRORS,
  MessageError,
  isApplicationType,
  type ServerRequest,
} from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { logIncident, newIncident } from '../../telemetry/incident.js';
import { Log } from '../../telemetry/log.js';
import { Counters } from '../../telemetry/counters.js';
import { toMessageError, unfiltered } from './exception-mapping.js';
import { refusedField } from './refused-field.js';

/** Counts the codes that handlers define, because there may be any number of them. */
const HANDLER_CODE = 'handler';

/** Text of the `sys.error` in place of a value. */
const NOT_KEPT = 'This session is away and its buffer is full; the answer is not kept.';

/** The part of a message that its reply needs. */
type Answered = Pick<ServerRequest, 'type' | 'id'>;

/** Content of a `sys.error`: a {@link MessageError}, thrown or not. */
type ErrorReply = Pick<MessageError, 'code' | 'message' | 'details'> & { readonly ref?: string | undefined };

/** Replies to a message: with application messages, the closing ack, or one `sys.error`. */
@Injectable()
export class HandlerReplies {
  constructor(
    private readonly counters: Counters,
    private readonly log: Log,
  ) {}

  /**
   * Sends one value under the request's own type, or a `WsResponse` under its event; nothing for `undefined` and
   * `null`.
   *
   * @throws {Error} when the event is not a valid application type or the value cannot be encoded
   * @throws {MessageError} `receiver_overloaded` while the session is away and more than `RESUME_BYTES` are kept for it
   */
  value(session: Session, { type, id }: Answered, value: unknown): void {
    if (value === undefined || value === null) return;
    if (isWsResponse(value)) this.#value(session, typeOf(value.event), id, value.data);
    else this.#value(session, type, id, value);
  }

  #value(session: Session, type: string, id: string | undefined, data: unknown): void {
    const text = JSON.stringify(data) as string | undefined;
    if (text === undefined && data !== undefined) throw new Error('handler replied with a value that JSON cannot hold');
    if (session.state === 'away' && session.outbox.overloaded)
      throw new MessageError('receiver_overloaded', NOT_KEPT, id);
    session.send(answerFrame(type, session.id, id, text));
  }

  /** Sends the ack of a message that has an `id`. */
  done(session: Session, { id }: Answered): void {
    if (id !== undefined) session.send(ackFrame(session.id, id, 'accepted'));
  }

  /** Sends the `sys.error` for any thrown value; only logs the error once the session has left. Never throws. */
  failed(session: Session, answered: Answered, error: unknown): void {
    if (session.closed) return this.failedLate(session, answered, error);
    const { type, id } = answered;
    try {
      const messageError = toMessageError(error, id);
      if (messageError !== undefined) return this.error(session, type, messageError);
    } catch {
      // A getter of the value throws, or its details cannot be encoded: it is logged as an internal error.
    }
    this.error(session, type, this.#internalError(session, type, id, error));
  }

  /** Logs the error of a call that was answered before, or cannot be answered any more, with an incident. Never throws. */
  failedLate(session: Session, { type, id }: Answered, error: unknown): void {
    const unanswered = unfiltered(error);
    try {
      const refusal = toMessageError(unanswered, id);
      if (refusal !== undefined) return this.#refusedLate(session, type, refusal);
    } catch {
      // As in `failed`.
    }
    this.#internalError(session, type, id, unanswered);
  }

  #refusedLate({ id: session }: Session, type: string, { code, message: text }: MessageError): void {
    this.log.info('message refused too late', { code, text, incident: newIncident(), session, type });
  }

  /**
   * Sends a `sys.error`, and closes the session with 1008 when it has exceeded its errors per minute.
   *
   * @param type of the message, for the log; `undefined` or empty where it could not be read
   */
  error(session: Session, type: string | undefined, { code, message, ref, details }: ErrorReply): void {
    const frame = errorFrame(session.id, code, message, ref, details);
    this.counters.count(this.counters.refused, Object.hasOwn(ERRORS, code) ? code : HANDLER_CODE);
    this.log.info('message refused', {
      code,
      type: type || undefined,
      field: code === 'invalid_message' ? refusedField(message) : undefined,
      session: session.id,
      address: session.address,
    });
    session.send(frame);
    session.connection?.countError();
    if (session.rateLimiter?.recordError(code) === true) session.close(1008);
  }

  /** Logs the exception under an incident id. The client gets the incident id only. */
  #internalError(session: Session, type: string, id: string | undefined, error: unknown): MessageError {
    const incident = logIncident(this.log, error, { session: session.id, type });
    return MessageError.of('internal_error', id, { incident });
  }
}

/** @throws {Error} where a handler may not send messages of this type */
function typeOf(event: unknown): string {
  if (isApplicationType(event)) return event;
  throw new Error(`handler replied with an invalid message type: "${String(event)}"`);
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
