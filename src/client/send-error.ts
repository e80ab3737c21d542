import type { ErrorCode } from '../protocol/tables/errors.js';

/**
 * What became of a message that had no acknowledgement, in this client's own words:
 * `queue_full`, `too_big`: it was not sent; `closed`: the client ended first, it was not sent;
 * `timeout`: nothing was heard in time; `unknown_outcome`: it was sent and the connection ended before the answer.
 */
export type ClientCode = 'queue_full' | 'too_big' | 'closed' | 'timeout' | 'unknown_outcome';

/** A code of the server's error table, of this client, or a handler's own. */
export type SendCode = ErrorCode | ClientCode | (string & {});

/** What a server's `sys.error` may carry beside its code and message, and what this client knows of the message. */
export interface SendErrorDetails {
  readonly retryAfterMs?: number;
  readonly incident?: string;
  /** Whether the message may have left this side; what was not sent may be sent again without fear of a double. */
  readonly sent?: boolean;
}

/** A message was refused, or nobody knows what became of it; `code` says which. */
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
