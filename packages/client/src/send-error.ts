import type { ErrorCode } from './wire.js';

/**
 * Codes of the client for a message without an acknowledgement.
 * `queue_full`, `too_big`: the message was not sent. `closed`: the client closed before the message was sent.
 * `timeout`: no answer arrived in time. `unknown_outcome`: the connection closed before the answer arrived.
 * `buffer_full`: too many answers of a stream were not read.
 */
export type ClientCode = 'queue_full' | 'too_big' | 'closed' | 'timeout' | 'unknown_outcome' | 'buffer_full';

/** A code of the server's error table, of the client, or of a handler. */
export type SendCode = ErrorCode | ClientCode | (string & {});

export interface SendErrorDetails {
  /** From `sys.error`: milliseconds to wait before the message is sent again. */
  readonly retryAfterMs?: number;
  /** From `sys.error`: the number of the entry in the server's log. */
  readonly incident?: string;
  /** False if the message never left the client, so that it may be sent again without a duplicate. */
  readonly sent?: boolean;
}

/** Rejects a message: `code` says whether the server rejected it, it was not sent, or its outcome is unknown. */
export class SendError extends Error {
  override readonly name = 'SendError';
  readonly retryAfterMs: number | undefined;
  readonly incident: string | undefined;
  readonly sent: boolean;

  constructor(
    readonly code: SendCode,
    message: string,
    { retryAfterMs, incident, sent = false }: SendErrorDetails = {},
  ) {
    super(message);
    this.retryAfterMs = retryAfterMs;
    this.incident = incident;
    this.sent = sent;
  }
}

/** Returns the error of a message that a closed client does not send. */
export function clientClosed(reason = ''): SendError {
  return new SendError('closed', reason || 'The client closed.');
}
