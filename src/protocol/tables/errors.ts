/** Every fault a client can be told of, with the sentence used where nothing more precise is known. */
export const ERRORS = {
  malformed_json: 'The frame is not a JSON object.',
  invalid_message: 'A field of the envelope is missing, of the wrong type, too long or unknown.',
  reserved_type: 'Types that begin with "sys." are the server\'s.',
  unknown_type: 'No handler claims this type and the message has no receiver.',
  receiver_not_found: 'No session has this id.',
  receiver_overloaded: 'The receiver reads too slowly and its buffer is full; the message was not queued.',
  rate_limited: 'Over the allowed rate; the message had no effect.',
  forbidden: 'This session may not do this.',
  refused: 'A handler refused the message.',
  unavailable: 'The node that holds the receiver cannot be reached now; the message had no known effect.',
  internal_error: 'A handler failed.',
} as const;

/** What a code looks like; a handler may have its own. */
export const ERROR_CODE = /^[a-z][a-z0-9_]{0,63}$/;

export type ErrorCode = keyof typeof ERRORS;

/** What a `sys.error` may carry beside its code and message. */
export interface ErrorDetails {
  /** Milliseconds after which trying again may help. */
  readonly retryAfterMs?: number;
  /** Names the entry in the server's log, which alone has the details. */
  readonly incident?: string;
}

/**
 * A message that is answered with `sys.error`. Thrown where a message is read, caught once where it is answered.
 *
 * `code` is one of {@link ERRORS} or a word of a handler's own; `ref` is the message's `id` where one could be read.
 */
export class MessageError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly ref?: string,
    readonly details: ErrorDetails = {},
  ) {
    super(message);
  }

  /** Makes the fault of a code with the table's own sentence. */
  static of(code: ErrorCode, ref?: string, details?: ErrorDetails): MessageError {
    return new MessageError(code, ERRORS[code], ref, details);
  }
}
