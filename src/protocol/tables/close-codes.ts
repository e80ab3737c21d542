/** Advises a client after a close: nothing, stop, or reconnect in one of three ways. */
export type CloseAdvice = 'none' | 'stop' | 'back_off' | 'after_ms' | 'new_token';

export interface CloseCode {
  /** The reason in the close frame; may be empty. */
  readonly reason: string;
  readonly advice: CloseAdvice;
  readonly when: string;
}

/** Every close code of the server (RFC 6455, 7.4). Private codes: 4000–4099 stop, 4100–4199 back off and reconnect. */
export const CLOSE_CODES = {
  1000: { reason: '', advice: 'none', when: 'The client closed the connection.' },
  1002: { reason: '', advice: 'stop', when: 'An unmasked frame, reserved bits or a bad opcode.' },
  1003: { reason: 'binary_unsupported', advice: 'stop', when: 'A binary message.' },
  1007: { reason: '', advice: 'stop', when: 'Text that is not UTF-8.' },
  1008: {
    reason: 'policy',
    advice: 'stop',
    when: 'Too many faulty or refused messages, or too many small fragments.',
  },
  1009: { reason: 'message_too_big', advice: 'stop', when: 'A message over `maxMessageBytes`.' },
  1011: { reason: 'internal_error', advice: 'back_off', when: 'The server failed.' },
  1012: { reason: 'service_restart', advice: 'after_ms', when: 'The node drains.' },
  1013: { reason: 'overloaded', advice: 'back_off', when: 'The node is over its memory budget.' },
  4000: { reason: 'kicked', advice: 'stop', when: 'An administrator closed the session.' },
  4001: { reason: 'replaced', advice: 'stop', when: 'The session came back on another connection.' },
  4100: { reason: 'slow_consumer', advice: 'back_off', when: 'The client reads too slowly or not at all.' },
  4101: {
    reason: 'heartbeat_missed',
    advice: 'back_off',
    when: 'The client was silent for a heartbeat interval, and had no bytes to read that explain it.',
  },
  4102: { reason: 'token_expired', advice: 'new_token', when: 'The token expired and was not renewed.' },
  4103: {
    reason: 'too_many_connections',
    advice: 'back_off',
    when: 'The address has more connections than it may. The server closes right after the upgrade, without a session.',
  },
  4104: { reason: 'too_slow', advice: 'back_off', when: 'A message that had begun made too little progress.' },
} as const satisfies Record<number, CloseCode>;

export type ServerCloseCode = keyof typeof CLOSE_CODES;

/** Codes reported for a close frame without a code, and for a cut connection (RFC 6455, 7.1.5). */
export const NO_STATUS = 1005;
export const ABNORMAL = 1006;

/** Returns the reason in the close frame of a code; empty for codes of clients. */
export function closeReason(code: number | undefined): string {
  return code !== undefined && code in CLOSE_CODES ? CLOSE_CODES[code as ServerCloseCode].reason : '';
}

/** The side that closed a connection: a side by its close frame, or nobody because the connection was cut. */
export type ClosedBy = 'client' | 'server' | 'cut';

/** Codes of the server that leave a resumable session: the client may come back. */
const SERVER_LEAVES: ReadonlySet<number> = new Set([1012, 4101, 4102]);
/** Codes by which a client ends its session. */
const CLIENT_ENDS: ReadonlySet<number> = new Set([1000, 1001]);

/** Returns whether the close of a connection ends a resumable session. Otherwise the session is away. */
export function endsSession(code: number, by: ClosedBy): boolean {
  if (by === 'server') return !SERVER_LEAVES.has(code);
  return by === 'client' && CLIENT_ENDS.has(code);
}
