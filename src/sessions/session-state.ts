import type { Session } from './session.js';

/**
 * Keeps a value for each session: created at first use, released with the session. Nothing has to be deleted, because
 * only the session holds the value; that includes handlers that still run for a session that has ended.
 */
export class SessionState<T> {
  readonly #values = new WeakMap<Session, T>();

  /** @param first creates the state of a session at the first access */
  constructor(private readonly first: (session: Session) => T) {}

  /** Returns the value of a session. */
  of(session: Session): T {
    if (this.#values.has(session)) return this.#values.get(session) as T;
    const value = this.first(session);
    this.#values.set(session, value);
    return value;
  }

  set(session: Session, value: T): void {
    this.#values.set(session, value);
  }
}
