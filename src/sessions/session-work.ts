/** Work that runs for a session: its handled messages and system requests. Implemented by `gateway/`, whose rank is higher. */
export interface SessionWork {
  /** Drops what waits and aborts what runs, because the session has ended. */
  drop(): void;
  /** Answers what waits or runs with `unavailable`, then drops it, because this process ends before the session does. */
  abandon(): void;
}
