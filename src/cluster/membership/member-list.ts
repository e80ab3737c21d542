import { isNodeId } from '../../protocol/index.js';
import type { ClusterDelegate } from '../backplane.js';
import { DEAD_AFTER_TICKS } from '../ticks.js';
import type { Head } from '../wire/node-message.js';
import { Member } from './member.js';

/** Members at a time. Further nodes are ignored. */
const MAX_MEMBERS = 1024;
/** Ids of former members that are kept; the oldest is dropped first. */
const MAX_GONE = 65_536;

/** The other nodes: members that are alive, and ids of nodes that left or died. */
export class MemberList {
  readonly #members = new Map<string, Member>();
  /** Ids of former members. A node never returns under such an id. */
  readonly #gone = new Set<string>();

  constructor(private readonly delegate: ClusterDelegate) {}

  get size(): number {
    return this.#members.size;
  }

  nodeIds(): Iterable<string> {
    return this.#members.keys();
  }

  has(nodeId: string): boolean {
    return this.#members.has(nodeId);
  }

  isGone(nodeId: string): boolean {
    return this.#gone.has(nodeId);
  }

  /**
   * Returns the member that sent a message, a new one where the node is unknown. Returns `undefined` for a former
   * member, for an older incarnation, for a malformed id and beyond the limit of members.
   */
  receive({ nodeId, incarnation }: Head): Member | undefined {
    if (this.#gone.has(nodeId)) return undefined;
    let member = this.#members.get(nodeId);
    if (member === undefined) {
      if (this.#members.size >= MAX_MEMBERS || !isNodeId(nodeId)) return undefined;
      this.#members.set(nodeId, (member = new Member(nodeId, incarnation, this.delegate)));
    }
    if (incarnation < member.incarnation) return undefined;
    if (incarnation > member.incarnation) member.startIncarnation(incarnation);
    member.silentTicks = 0;
    return member;
  }

  /** Marks all members out of sync and restarts their silence, because this node has a new connection. */
  resetForReconnect(): void {
    for (const member of this.#members.values()) {
      member.markOutOfSync();
      member.silentTicks = 0;
    }
  }

  /** Counts one tick of silence for all members. Removes and returns those that are dead by now. */
  tick(): Member[] {
    const dead: Member[] = [];
    for (const member of this.#members.values()) if (++member.silentTicks > DEAD_AFTER_TICKS) dead.push(member);
    for (const { nodeId } of dead) this.remove(nodeId);
    return dead;
  }

  /** Removes a node for good and ends its sessions. */
  remove(nodeId: string): void {
    if (this.#gone.size >= MAX_GONE) for (const oldest of this.#gone) if (this.#gone.delete(oldest)) break;
    this.#gone.add(nodeId);
    const member = this.#members.get(nodeId);
    this.#members.delete(nodeId);
    member?.end();
  }
}
