import { nodeIdIn } from '../messaging/session-directory.js';

/** Ids up to which a list is searched. The list takes a third of the memory of a set, and most rooms are small. */
const MAX_LISTED = 16;

interface NodeMembers {
  readonly nodeId: string;
  members: number;
}

/** The members of one room, or the sessions of one user, on other nodes: their ids, and how many each node has. */
export class RemoteMembers {
  #ids: readonly string[] | Set<string> = [];
  #nodes: readonly NodeMembers[] = [];

  get size(): number {
    return this.#ids instanceof Set ? this.#ids.size : this.#ids.length;
  }

  /** Lists the ids, in no order. */
  get ids(): Iterable<string> {
    return this.#ids;
  }

  /** Lists the ids of the nodes with members. */
  get nodeIds(): readonly string[] {
    return this.#nodes.map(({ nodeId }) => nodeId);
  }

  has(id: string): boolean {
    return this.#ids instanceof Set ? this.#ids.has(id) : this.#ids.includes(id);
  }

  /** Adds a session that is no member yet. */
  add(id: string): void {
    // `concat` makes a list of the exact length; a list that grows has room for sixteen more.
    if (this.#ids instanceof Set) this.#ids.add(id);
    else this.#ids = this.#ids.length < MAX_LISTED ? this.#ids.concat(id) : new Set(this.#ids).add(id);
    const node = this.#nodeOf(id);
    if (node === undefined) this.#nodes = this.#nodes.concat({ nodeId: nodeIdIn(id), members: 1 });
    else node.members++;
  }

  /** Removes a session. @returns `false` where the session is no member */
  remove(id: string): boolean {
    if (!this.has(id)) return false;
    if (!(this.#ids instanceof Set)) this.#ids = this.#ids.filter((each) => each !== id);
    else if (this.#ids.delete(id) && this.#ids.size <= MAX_LISTED / 2) this.#ids = [...this.#ids];
    const node = this.#nodeOf(id);
    if (node !== undefined && --node.members === 0) this.#nodes = this.#nodes.filter((each) => each !== node);
    return true;
  }

  #nodeOf(id: string): NodeMembers | undefined {
    return this.#nodes.find(({ nodeId }) => id.startsWith(nodeId));
  }
}
