import { ABNORMAL } from '../protocol/index.js';
import type { Node, Place } from './backplane.js';
import { ClockDifference } from './clock-difference.js';
import type { News, NewsBatch, Snapshot } from './node-message.js';

/** Another node as this one knows it: its sessions, and how far its news were heard. */
export class Member {
  readonly clock = new ClockDifference();
  /** Looks since it was last heard. */
  silentLooks = 0;
  /** Whether its sessions are known: a snapshot was heard and every news since. */
  synced = false;
  /** Whether its snapshot was asked for since its last heartbeat. */
  asked = false;
  #sequence = 0;
  #sessions = new Map<string, Place>();
  /** Pieces of a snapshot, until the last has come. */
  #arriving: Map<string, Place> | undefined;
  /** Pieces of it that have come, and its number. */
  #pieces = 0;
  #numbered = 0;

  constructor(
    readonly part: string,
    /** Which of its links it is heard on. */
    public link: number,
    /** When it was heard first, by our monotonic clock. */
    readonly heardSinceMs: number,
    private readonly node: Node,
  ) {}

  get size(): number {
    return this.#sessions.size;
  }

  has(id: string): boolean {
    return this.#sessions.has(id);
  }

  /** It speaks on another link: what it said between is lost, and a snapshot will come first. */
  begin(link: number): void {
    this.link = link;
    this.lose();
  }

  /** Something of it was missed. */
  lose(): void {
    this.synced = false;
    this.#arriving = undefined;
  }

  /** Whether every news up to this number was heard. */
  isUpTo(sequence: number): boolean {
    return this.synced && sequence === this.#sequence;
  }

  /** Takes one piece of a snapshot; with the last, tells who came and who left since it was last known. */
  snapshot({ first, last, piece, sequence, here, left }: Snapshot): void {
    if (first) [this.#arriving, this.#pieces, this.#numbered] = [new Map(), 0, sequence];
    const arriving = this.#arriving;
    if (arriving === undefined) return;
    // One was lost between: its heartbeat will show that it is not known.
    if (sequence !== this.#numbered || (piece !== undefined && piece !== this.#pieces++)) return this.lose();
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
  news({ sequence, items }: NewsBatch): boolean {
    if (!this.synced) return false;
    if (sequence !== (this.#sequence + 1) >>> 0) {
      // Older ones are contained in a snapshot that overtook nothing; newer ones say that some are missing.
      if (sequence > this.#sequence) this.lose();
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
    this.lose();
  }

  #tell(news: News): void {
    if (news.type === 'broadcast') this.node.broadcast(news.sender, news.frame);
    else if (news.type === 'arrived') this.#add(news.place);
    else this.#remove(news.id, news.code);
  }

  #add(place: Place): void {
    if (this.#sessions.has(place.id)) return;
    this.#sessions.set(place.id, place);
    this.node.arrivedElsewhere(place);
  }

  #remove(id: string, code: number): void {
    if (this.#sessions.delete(id)) this.node.departedElsewhere(id, code);
  }
}
