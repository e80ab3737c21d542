import type { Session } from '../sessions/session.js';

const NOTHING: readonly never[] = [];

/** The sessions of this node by user. A user with one session takes no list, because most users have one. */
export class SessionsByUser {
  readonly #sessions = new Map<string, Session | Set<Session>>();

  /** Returns the sessions of a user, in no order. */
  of(user: string): readonly Session[] {
    const found = this.#sessions.get(user);
    if (found === undefined) return NOTHING;
    return found instanceof Set ? [...found] : [found];
  }

  /** Number of sessions of a user. */
  count(user: string): number {
    const found = this.#sessions.get(user);
    if (found === undefined) return 0;
    return found instanceof Set ? found.size : 1;
  }

  /** @returns `false` for a known session */
  add(user: string, session: Session): boolean {
    const found = this.#sessions.get(user);
    if (found === undefined) this.#sessions.set(user, session);
    else if (found instanceof Set) {
      if (found.has(session)) return false;
      found.add(session);
    } else if (found === session) return false;
    else this.#sessions.set(user, new Set([found, session]));
    return true;
  }

  /** @returns `false` for an unknown session */
  remove(user: string, session: Session): boolean {
    const found = this.#sessions.get(user);
    if (!(found instanceof Set)) return found !== undefined && found === session && this.#sessions.delete(user);
    if (!found.delete(session)) return false;
    if (found.size === 0) this.#sessions.delete(user);
    return true;
  }
}
