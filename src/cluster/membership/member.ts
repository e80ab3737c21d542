import { ABNORMAL } from '../../protocol/index.js';
import type { ClusterDelegate, SessionInfo } from '../backplane.js';
import { nodeIdOf } from '../../protocol/index.js';
import type { ClusterEvent, EventBatch, Snapshot } from '../wire/node-message.js';
import { ClockOffset } from './clock-offset.js';

/** Chunks of a snapshot that is not complete yet. */
interface PartialSnapshot {
  readonly sequence: number;
  readonly sessions: Map<string, SessionInfo>;
  chunks: number;
}

/** Another node that is alive, and how far its events were applied. Its sessions are in the delegate's directory. */
export class Member {
  readonly clock = new ClockOffset();
  /** Ticks since its last message. Written by `MemberList`. */
  silentTicks = 0;
  /** Whether its snapshot was requested since its last heartbeat. Written by `NodeReceiver`. */
  snapshotRequested = false;
  /** Whether its clock was measured, or is being measured. Written by `NodeReceiver`. */
  pinged = false;
  #synced = false;
  /** The sequence of the last events that were applied in this incarnation; `undefined` before its first snapshot. */
  #sequence: number | undefined;
  /** The number of its last batch. */
  #lastBatch: number | undefined;
  #partial: PartialSnapshot | undefined;

  constructor(
    readonly nodeId: string,
    /** Its current NATS connection. Written by {@link startIncarnation}. */
    public incarnation: number,
    private readonly delegate: ClusterDelegate,
  ) {}

  /** Whether all its sessions are known: a snapshot and every event since were applied. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Starts another incarnation, whose first message is a snapshot. Events between the two incarnations are lost. */
  startIncarnation(incarnation: number): void {
    this.incarnation = incarnation;
    this.#sequence = undefined;
    this.markOutOfSync();
  }

  /** Ignores events until the next snapshot, because some were missed. */
  markOutOfSync(): void {
    this.#synced = false;
    this.#partial = undefined;
  }

  /** Whether every event up to this sequence was applied. */
  isUpToDate(sequence: number): boolean {
    return this.#synced && sequence === this.#sequence;
  }

  /** Records the number of a batch. Returns `false` where the number is not newer, as of a batch that arrives twice. */
  takeBatchNumber(number: number): boolean {
    const isNext = this.#lastBatch === undefined || isAfter(number, this.#lastBatch);
    if (isNext) this.#lastBatch = number;
    return isNext;
  }

  /** Takes one chunk of a snapshot. The last one applies the difference to the known sessions. */
  applySnapshot({ first, last, chunk, sequence, sessions, departures }: Snapshot): void {
    // Ignores a snapshot older than the applied events, because its difference would undo them.
    if (this.#sequence !== undefined && isAfter(this.#sequence, sequence)) return;
    if (first) this.#partial = { sequence, sessions: new Map(), chunks: 0 };
    const partial = this.#partial;
    if (partial === undefined) return;
    // After a missing chunk the member is out of sync, so that its next heartbeat requests another snapshot.
    if (sequence !== partial.sequence || (chunk !== undefined && chunk !== partial.chunks++))
      return this.markOutOfSync();
    for (const session of sessions)
      if (this.#owns(session.id)) partial.sessions.set(session.id, merged(partial.sessions.get(session.id), session));
    if (!last) return;
    this.#partial = undefined;
    const codes = new Map(departures);
    for (const id of this.delegate.remoteSessions(this.nodeId))
      if (!partial.sessions.has(id)) this.delegate.remoteDeparted(id, codes.get(id) ?? ABNORMAL);
    for (const session of partial.sessions.values()) this.delegate.remoteArrived(session);
    this.#sequence = sequence;
    this.#synced = true;
  }

  /** Applies events in their order. @returns `false` where events before them were missed */
  applyEvents({ sequence, items }: EventBatch): boolean {
    if (!this.#synced || this.#sequence === undefined) return false;
    if (sequence !== (this.#sequence + 1) >>> 0) {
      // An older sequence is covered by the snapshot; a newer one reveals a gap.
      if (isAfter(sequence, this.#sequence)) this.markOutOfSync();
      return this.#synced;
    }
    // Advance the sequence last, so that a failure leaves a gap and requests a snapshot.
    for (const item of items) this.#apply(item);
    this.#sequence = sequence;
    return true;
  }

  /** Ends all its sessions. */
  end(): void {
    for (const id of this.delegate.remoteSessions(this.nodeId)) this.delegate.remoteDeparted(id, ABNORMAL);
    this.markOutOfSync();
  }

  #apply(clusterEvent: ClusterEvent): void {
    if (clusterEvent.type === 'broadcast') return this.delegate.broadcast(clusterEvent.frame);
    const { id } = clusterEvent.type === 'arrived' ? clusterEvent.sessionInfo : clusterEvent;
    if (!this.#owns(id)) return;
    switch (clusterEvent.type) {
      case 'arrived':
        return this.delegate.remoteArrived(clusterEvent.sessionInfo);
      case 'departed':
        return this.delegate.remoteDeparted(id, clusterEvent.code);
      case 'joined':
        return this.delegate.remoteJoined(id, clusterEvent.room);
      case 'left':
        return this.delegate.remoteLeft(id, clusterEvent.room);
      case 'away':
        return this.delegate.remoteAway(id);
      case 'back':
        return this.delegate.remoteBack(id);
    }
  }

  /** Whether a session is one of this member. No node announces sessions of another one, such as those of this node. */
  #owns(id: string): boolean {
    return nodeIdOf(id) === this.nodeId;
  }
}

/** Merges two entries of one session, each with other rooms. */
function merged(known: SessionInfo | undefined, more: SessionInfo): SessionInfo {
  return known?.rooms === undefined ? more : { ...known, rooms: [...known.rooms, ...(more.rooms ?? [])] };
}

/** Whether a number of 32 bits follows another one, also across the overflow (RFC 1982). */
function isAfter(number: number, before: number): boolean {
  return ((number - before) | 0) > 0;
}
