import { IdTable } from '../protocol/index.js';
import { NodeIdentity } from '../node/node-identity.js';
import { SessionIdGenerator } from './session-id-generator.js';
import type { Session } from './session.js';

/** Finds sessions by the hash of their id, and allocates ids of which no two share a hash. */
export class SessionHashTable {
  /** The ids in the form that the fast router compares and writes. */
  readonly ids = new IdTable();
  readonly #byHash = new Map<number, Session>();
  readonly #generator: SessionIdGenerator;

  constructor(node: NodeIdentity) {
    this.#generator = new SessionIdGenerator(node);
  }

  /** Allocates an unused id and its slot in {@link ids}. */
  allocate(): { id: string; idSlot: number } {
    for (;;) {
      const id = this.#generator.next();
      const idSlot = this.ids.add(id);
      if (!this.#byHash.has(this.ids.hash(idSlot))) return { id, idSlot };
      this.ids.remove(idSlot);
    }
  }

  /** Takes a slot for an id that a former process has allocated; `undefined` where the id shares its hash. */
  adopt(id: string): number | undefined {
    const idSlot = this.ids.add(id);
    if (!this.#byHash.has(this.ids.hash(idSlot))) return idSlot;
    this.ids.remove(idSlot);
    return undefined;
  }

  add(session: Session): void {
    this.#byHash.set(this.ids.hash(session.idSlot), session);
  }

  /** Removes a session and frees its slot. */
  remove({ idSlot }: Session): void {
    this.#byHash.delete(this.ids.hash(idSlot));
    this.ids.remove(idSlot);
  }

  find(hash: number): Session | undefined {
    return this.#byHash.get(hash);
  }
}
