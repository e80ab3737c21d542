import { nodeIdIn } from '../messaging/session-directory.js';
import { RemoteMembers } from './remote-members.js';

/** The sessions of users on other nodes. A user with one session takes no list, because most users have one. */
export class RemoteUsers {
  readonly #sessions = new Map<string, string | RemoteMembers>();

  /** Lists the ids of the sessions of a user, in no order. */
  ids(user: string): Iterable<string> {
    const found = this.#sessions.get(user);
    if (found === undefined) return [];
    return typeof found === 'string' ? [found] : found.ids;
  }

  /** Lists the ids of the nodes that have sessions of a user. */
  nodeIds(user: string): readonly string[] {
    const found = this.#sessions.get(user);
    if (found === undefined) return [];
    return typeof found === 'string' ? [nodeIdIn(found)] : found.nodeIds;
  }

  /** Number of sessions of a user. */
  count(user: string): number {
    const found = this.#sessions.get(user);
    if (found === undefined) return 0;
    return typeof found === 'string' ? 1 : found.size;
  }

  /** @returns `false` for a known session */
  add(user: string, id: string): boolean {
    const found = this.#sessions.get(user);
    if (found === undefined) {
      this.#sessions.set(user, id);
      return true;
    }
    if (typeof found === 'string' ? found === id : found.has(id)) return false;
    const members = typeof found === 'string' ? new RemoteMembers() : found;
    if (typeof found === 'string') {
      members.add(found);
      this.#sessions.set(user, members);
    }
    members.add(id);
    return true;
  }

  /** @returns `false` for an unknown session */
  remove(user: string, id: string): boolean {
    const found = this.#sessions.get(user);
    if (found === undefined || typeof found === 'string') return found === id && this.#sessions.delete(user);
    if (!found.remove(id)) return false;
    if (found.size === 0) this.#sessions.delete(user);
    return true;
  }
}
