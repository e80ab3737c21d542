import type { Session } from './session.js';

/**
 * What a handler remembers of each session: made at the first question, gone with the session. Nothing has to be deleted,
 * not even where a handler is still at work for a session that has left: the state is held by the session and by nothing
 * else.
 */
export class SessionState<T> {
  readonly #values = new WeakMap<Session, T>();

  /** @param first makes the state of a session that has none yet */
  constructor(private readonly first: (session: Session) => T) {}

  /** Returns the state of a session. */
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
