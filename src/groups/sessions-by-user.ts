import type { Session } from '../sessions/session.js';

const NOTHING: readonly never[] = [];

/** Sessions, or their ids, by user. A user with one session needs no list, because most users have one. */
export class SessionsByUser<Item extends Session | string> {
  readonly #items = new Map<string, Item | Set<Item>>();

  /** Returns the sessions of a user, in no order. */
  of(user: string): readonly Item[] {
    const found = this.#items.get(user);
    if (found === undefined) return NOTHING;
    return found instanceof Set ? [...found] : [found];
  }

  /** Number of sessions of a user. */
  count(user: string): number {
    const found = this.#items.get(user);
    if (found === undefined) return 0;
    return found instanceof Set ? found.size : 1;
  }

  /** @returns `false` for a known session */
  add(user: string, item: Item): boolean {
    const found = this.#items.get(user);
    if (found === undefined) this.#items.set(user, item);
    else if (found instanceof Set) {
      if (found.has(item)) return false;
      found.add(item);
    } else if (found === item) return false;
    else this.#items.set(user, new Set([found, item]));
    return true;
  }

  /** @returns `false` for an unknown session */
  remove(user: string, item: Item): boolean {
    const found = this.#items.get(user);
    if (!(found instanceof Set)) return found !== undefined && found === item && this.#items.delete(user);
    if (!found.delete(item)) return false;
    if (found.size === 0) this.#items.delete(user);
    return true;
  }
}
