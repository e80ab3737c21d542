import { ABNORMAL } from '../../protocol/index.js';
import type { ClusterDelegate, SessionInfo } from '../backplane.js';
import { ClockOffset } from './clock-offset.js';
import type { ClusterEvent, EventBatch, Snapshot } from '../wire/node-message.js';

/** Another node as this one knows it: its sessions, and how far its news were heard. */
export class Member {
  readonly clock = new ClockOffset();
  /** Looks since it was last heard. */
  silentTicks = 0;
  /** Whether its sessions are known: a snapshot was heard and every news since. */
  synced = false;
  /** Whether its snapshot was asked for since its last heartbeat. */
  snapshotRequested = false;
  #sequence = 0;
  #sessions = new Map<string, SessionInfo>();
  /** Pieces of a snapshot, until the last has come. */
  #arriving: Map<string, SessionInfo> | undefined;
  /** Pieces of it that have come, and its number. */
  #pieces = 0;
  #numbered = 0;

  constructor(
    readonly nodeId: string,
    /** Which of its links it is heard on. */
    public incarnation: number,
    /** When it was heard first, by our monotonic clock. */
    readonly firstSeenMs: number,
    private readonly delegate: ClusterDelegate,
  ) {}

  get size(): number {
    return this.#sessions.size;
  }

  has(id: string): boolean {
    return this.#sessions.has(id);
  }

  /** It speaks on another link: what it said between is lost, and a snapshot will come first. */
  startIncarnation(link: number): void {
    this.incarnation = link;
    this.markOutOfSync();
  }

  /** Something of it was missed. */
  markOutOfSync(): void {
    this.synced = false;
    this.#arriving = undefined;
  }

  /** Whether every news up to this number was heard. */
  isUpToDate(sequence: number): boolean {
    return this.synced && sequence === this.#sequence;
  }

  /** Takes one piece of a snapshot; with the last, tells who came and who left since it was last known. */
  applySnapshot({ first, last, piece, sequence, here, left }: Snapshot): void {
    if (first) [this.#arriving, this.#pieces, this.#numbered] = [new Map(), 0, sequence];
    const arriving = this.#arriving;
    if (arriving === undefined) return;
    // One was lost between: its heartbeat will show that it is not known.
    if (sequence !== this.#numbered || (piece !== undefined && piece !== this.#pieces++)) return this.markOutOfSync();
    for (const place of here) arriving.set(place.id, place);
    if (!last) return;
    this.#arriving = undefined;
    const codes = new Map(left);
    for (const id of this.#sessions.keys()) if (!arriving.has(id)) this.#remove(id, codes.get(id) ?? ABNORMAL);
    for (const place of arriving.values()) this.#add(place);
    this.#sequence = sequence;
    this.synced = true;
  }

  /** Takes news in their order. @returns `false` where some before them were missed */
  applyEvents({ sequence, items }: EventBatch): boolean {
    if (!this.synced) return false;
    if (sequence !== (this.#sequence + 1) >>> 0) {
      // Older ones are contained in a snapshot that overtook nothing; newer ones say that some are missing.
      if (sequence > this.#sequence) this.markOutOfSync();
      return this.synced;
    }
    // The number last: whatever fails on the way leaves a gap, and is made up for by a snapshot.
    for (const item of items) this.#tell(item);
    this.#sequence = sequence;
    return true;
  }

  /** All its sessions have left. */
  end(): void {
    for (const id of this.#sessions.keys()) this.#remove(id, ABNORMAL);
    this.markOutOfSync();
  }

  #tell(clusterEvent: ClusterEvent): void {
    if (clusterEvent.type === 'broadcast') this.delegate.broadcast(clusterEvent.sender, clusterEvent.frame);
    else if (clusterEvent.type === 'arrived') this.#add(clusterEvent.sessionInfo);
    else this.#remove(clusterEvent.id, clusterEvent.code);
  }

  #add(sessionInfo: SessionInfo): void {
    if (this.#sessions.has(sessionInfo.id)) return;
    this.#sessions.set(sessionInfo.id, sessionInfo);
    this.delegate.remoteArrived(sessionInfo);
  }

  #remove(id: string, code: number): void {
    if (this.#sessions.delete(id)) this.delegate.remoteDeparted(id, code);
  }
}
