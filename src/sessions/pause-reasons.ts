/** Reasons for which a client is not read from, as bits. Reading goes on when no reason is left. */
export const PAUSE = {
  /** More bytes wait for the client than `OUTBOX_HIGH_WATER_BYTES`. */
  slow: 1,
  /** The client has had its share of this turn. */
  turn: 2,
  /** The node drains. */
  drain: 4,
  /** Code of the application has called `client.pause()`. */
  application: 8,
} as const;

export type PauseReason = keyof typeof PAUSE;
