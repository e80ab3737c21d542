import { ROOM_PREFIX } from '../protocol/index.js';
import type { IdPage } from '../sessions/sorted-ids.js';
import type { Session } from '../sessions/session.js';
import { IdOrder } from './id-order.js';
import { RemoteMembers } from './remote-members.js';

/** Members up to which each page is sorted anew. The order of more members is kept from their first page on. */
const FEW_MEMBERS = 64;

/** Shared by all rooms without local members, because an empty set takes as much memory as four members. */
const NO_SESSIONS: Set<Session> = new Set();

/** The members of one room on all nodes. Changed by `RoomIndex` alone. */
export class Room {
  readonly name: string;
  #local = NO_SESSIONS;
  /** `undefined` while all members are local. */
  #remote: RemoteMembers | undefined;
  #order: IdOrder | undefined;

  /** @param name without `#` */
  constructor(name: string) {
    // Copied, because a part of a longer text would keep the whole text in memory.
    this.name = Buffer.from(name, 'latin1').toString('latin1');
  }

  /** The room as a receiver, `#NAME`. Not kept, because most rooms are small and many. */
  get receiver(): string {
    return ROOM_PREFIX + this.name;
  }

  /** Members on this node. */
  get local(): ReadonlySet<Session> {
    return this.#local;
  }

  /** Whether other nodes have members. */
  get hasRemote(): boolean {
    return this.#remote !== undefined;
  }

  /** Ids of the other nodes with members. */
  get nodeIds(): readonly string[] {
    return this.#remote?.nodeIds ?? [];
  }

  /** Number of members on all nodes. Stays 0 once the last member has left, because the next one gets another `Room`. */
  get size(): number {
    return this.#local.size + (this.#remote?.size ?? 0);
  }

  addLocal(session: Session): void {
    if (this.#local === NO_SESSIONS) this.#local = new Set();
    this.#local.add(session);
    this.#order?.add(session.id);
  }

  /** Removes a session; does nothing where the session is no member. */
  removeLocal(session: Session): void {
    if (this.#local.delete(session)) this.#removed(session.id);
  }

  isRemote(id: string): boolean {
    return this.#remote?.has(id) === true;
  }

  /** Adds a remote session that is no member yet. */
  addRemote(id: string): void {
    (this.#remote ??= new RemoteMembers()).add(id);
    this.#order?.add(id);
  }

  /** Removes a remote session; does nothing where the session is no member. */
  removeRemote(id: string): void {
    if (this.#remote?.remove(id) !== true) return;
    if (this.#remote.size === 0) this.#remote = undefined;
    this.#removed(id);
  }

  /** Lists the ids of all members, in no order. */
  *ids(): Iterable<string> {
    for (const { id } of this.#local) yield id;
    if (this.#remote !== undefined) yield* this.#remote.ids;
  }

  /** Returns one page of the ids in order. @param after the last page's `next` */
  page(after: string | undefined, limit: number): IdPage {
    const order = this.#order ?? new IdOrder(this.ids());
    if (this.size > FEW_MEMBERS) this.#order = order;
    return order.page(after, limit);
  }

  #removed(id: string): void {
    if (this.#order === undefined) return;
    // Half of the bound, so that a room at the bound does not sort its members again and again.
    if (this.size < FEW_MEMBERS / 2) this.#order = undefined;
    else this.#order.remove(id);
  }
}
