import { NODE_ID } from '../../protocol/index.js';
import type { ClusterDelegate } from '../backplane.js';
import { Member } from './member.js';
import type { Head } from '../wire/node-message.js';

/** Nodes known at a time, and names remembered of nodes that have gone. */
const MAX_MEMBERS = 1024;
const MAX_GONE = 65_536;
/** Looks in one `NODE_TIMEOUT_MS`, and how many of them in silence are death: so that all of it fits into that time. */
export const TICKS_PER_TIMEOUT = 20;
const DEAD_AFTER_TICKS = 18;

/** The other nodes: which are alive, and which have gone for ever. */
export class MemberList {
  readonly #members = new Map<string, Member>();
  /** Names of nodes that left or were given up; nothing of them is heard again. */
  readonly #gone = new Set<string>();

  constructor(private readonly delegate: ClusterDelegate) {}

  get size(): number {
    return this.#members.size;
  }

  all(): Iterable<Member> {
    return this.#members.values();
  }

  get(part: string): Member | undefined {
    return this.#members.get(part);
  }

  isGone(part: string): boolean {
    return this.#gone.has(part);
  }

  /** Notes that a node was heard; returns it, or nothing where it must not be heard. */
  receive({ nodeId, incarnation, sentAtMs }: Head, nowMs: number): Member | undefined {
    if (this.#gone.has(nodeId)) return undefined;
    let member = this.#members.get(nodeId);
    if (member === undefined) {
      if (this.#members.size >= MAX_MEMBERS || !NODE_ID.test(nodeId)) return undefined;
      this.#members.set(nodeId, (member = new Member(nodeId, incarnation, nowMs, this.delegate)));
    }
    if (incarnation < member.incarnation) return undefined;
    if (incarnation > member.incarnation) member.startIncarnation(incarnation);
    member.silentTicks = 0;
    member.clock.observe(sentAtMs, nowMs);
    return member;
  }

  /** Our own link is new: nothing is known for sure, and silence is counted anew. */
  resetForReconnect(): void {
    for (const member of this.#members.values()) {
      member.markOutOfSync();
      member.silentTicks = 0;
    }
  }

  /** One look, {@link TICKS_PER_TIMEOUT} in a time-out; returns the nodes that were silent for too long and are given up with it. */
  tick(): Member[] {
    const dead: Member[] = [];
    for (const member of this.#members.values()) if (++member.silentTicks > DEAD_AFTER_TICKS) dead.push(member);
    for (const { nodeId } of dead) this.remove(nodeId);
    return dead;
  }

  /** A node has gone for ever: each of its sessions has left. */
  remove(part: string): void {
    if (this.#gone.size >= MAX_GONE) for (const oldest of this.#gone) if (this.#gone.delete(oldest)) break;
    this.#gone.add(part);
    const member = this.#members.get(part);
    this.#members.delete(part);
    member?.end();
  }
}
