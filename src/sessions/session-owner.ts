import type { OutboxServices } from './outbox-services.js';
import type { Session } from './session.js';

/** Work that runs for a session: its handled messages. Implemented by `gateway/`, whose rank is higher. */
export interface SessionWork {
  /** Drops what waits and aborts what runs, because the session has ended. */
  drop(): void;
}

/** The registry as a session sees it: ends the session and calls the listeners. */
export interface SessionOwner extends OutboxServices {
  end(session: Session, code: number): void;
  drop(session: Session, code: number): void;
  fail(session: Session, error: unknown): void;
}
