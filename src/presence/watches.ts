import type { Session } from '../sessions/session.js';

/** Records which sessions watch which users. Only watched users and the sessions that watch them take memory. */
export class Watches {
  readonly #users = new Map<Session, Set<string>>();
  readonly #watchers = new Map<string, Set<Session>>();

  /** @param maxPerSession users that one session may watch */
  constructor(private readonly maxPerSession: number) {}

  /** Adds a watch, unless there is one. @returns `false` where the session watches as many users as it may */
  add(session: Session, user: string): boolean {
    const users = this.#users.get(session) ?? new Set<string>();
    if (users.has(user)) return true;
    if (users.size >= this.maxPerSession) return false;
    this.#users.set(session, users.add(user));
    const watchers = this.#watchers.get(user);
    if (watchers === undefined) this.#watchers.set(user, new Set([session]));
    else watchers.add(session);
    return true;
  }

  /** Removes a watch. @returns `false` where the session does not watch the user */
  remove(session: Session, user: string): boolean {
    const users = this.#users.get(session);
    if (users?.delete(user) !== true) return false;
    if (users.size === 0) this.#users.delete(session);
    this.#removeWatcher(session, user);
    return true;
  }

  /** Removes all watches of a session. */
  forget(session: Session): void {
    const users = this.#users.get(session);
    if (users === undefined) return;
    this.#users.delete(session);
    for (const user of users) this.#removeWatcher(session, user);
  }

  /** Lists the users that a session watches, as a copy. */
  usersOf(session: Session): string[] {
    return [...(this.#users.get(session) ?? [])];
  }

  /** Lists the sessions that watch a user; `undefined` where there are none. The current one may be removed meanwhile. */
  watchersOf(user: string): ReadonlySet<Session> | undefined {
    return this.#watchers.get(user);
  }

  #removeWatcher(session: Session, user: string): void {
    const watchers = this.#watchers.get(user);
    watchers?.delete(session);
    if (watchers?.size === 0) this.#watchers.delete(user);
  }
}
