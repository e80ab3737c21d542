/** Every error code of the protocol, with its general text. */
export const ERRORS = {
  malformed_json: 'The frame is not a JSON object.',
  invalid_message: 'A field of the envelope is missing, of the wrong type, too long or unknown.',
  reserved_type: "The type is the server's, or one that only its handlers may send.",
  unknown_type: 'No handler claims this type and the message has no receiver.',
  receiver_not_found: 'No session has this id.',
  receiver_overloaded: 'The receiver reads too slowly and its buffer is full; the message was not queued.',
  rate_limited: 'Over the allowed rate; the message had no effect.',
  forbidden: 'This session may not do this.',
  refused: 'A handler refused the message.',
  unavailable: 'The node that holds the receiver cannot be reached now; the message had no known effect there.',
  not_joined: 'Only members may send to this room.',
  too_many_rooms: 'Over the limit of rooms of this session.',
  too_many_watches: 'Over the limit of watched users of this session.',
  internal_error: 'A handler failed.',
} as const;

/** The pattern of all codes, those that handlers choose included. */
export const ERROR_CODE = /^[a-z][a-z0-9_]{0,63}$/;

export type ErrorCode = keyof typeof ERRORS;

/** Optional fields of `sys.error`. */
export interface ErrorDetails {
  /** Milliseconds after which a retry may succeed. */
  readonly retryAfterMs?: number;
  /** Identifies the entry with the details in the server's log. */
  readonly incident?: string;
}

/**
 * Reports that a message is answered with `sys.error`.
 *
 * `code` is one of {@link ERRORS} or a code that a handler chose; `ref` is the `id` of the message and `type` its type,
 * where they could be read from an invalid message. `type` is for the log only. It has no stack, because no stack is logged,
 * and making one takes most of the time of a flood of such messages.
 */
export class MessageError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly ref?: string,
    readonly details: ErrorDetails = {},
    readonly type?: string,
  ) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
  }

  /** Makes an error with the general text of its code. */
  static of(code: ErrorCode, ref?: string, details?: ErrorDetails): MessageError {
    return new MessageError(code, ERRORS[code], ref, details);
  }
}
