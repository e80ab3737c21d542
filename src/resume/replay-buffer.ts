import type { Block } from '../protocol/index.js';
import { MEDIUM_BLOCK_BYTES } from '../sessions/block-pool.js';
import type { FrameBatches } from '../sessions/frame-batches.js';
import type { Replay } from '../sessions/resumption.js';
import { eachUnseen, KeptBlock, KeptRun, NO_RUN } from './kept-run.js';
import { packed, type UnseenPart } from './packed-parts.js';
import type { ReplayAccount, ReplayBudget } from './replay-budget.js';
import { UnseenFrames } from './unseen-frames.js';

/**
 * Bytes that may be on their way to a connected client at least. A client reports at the latest after 64 KiB, so that four
 * reports fit.
 */
const MIN_WINDOW_BYTES = 262_144;
/** Forgotten runs at the front of the list after which the list is cut. */
const MAX_FORGOTTEN = 64;

/** List of sessions without unseen frames, which are most: an empty list of their own would take 16 bytes. Never changed. */
const NO_RUNS: KeptRun[] = [];

/**
 * The text frames that were sent to one client and that the client has not seen, with the control frames between them. Shared
 * frames are kept by reference. So is a block of joined frames that is at least half full; from others the frames are copied,
 * one behind the other, into a block of this session. Frames are counted and not numbered: the client reports how many it has
 * received.
 *
 *   seen │ #runs[#first] … the newest │ sent
 */
export class ReplayBuffer implements Replay {
  /** Bytes that are kept. Not written by others. */
  bytes = 0;
  /** Written by {@link pushBlock}. */
  expectedBytes = 0;
  #runs = NO_RUNS;
  /** Index of the oldest run. */
  #first = 0;
  /** Takes copied frames; `null` while no copied frame is unseen. */
  #copies: KeptBlock | null = null;
  /** Text frames before those of the oldest run. */
  #forgotten = 0;
  #sent: number;
  #seen: number;
  /** Where {@link bytes} are counted. Written by {@link countIn}. */
  #account: ReplayAccount;

  /**
   * @param maxBytes bytes that are kept while no connection is attached
   * @param seen text frames that the client had seen when this buffer was made
   */
  constructor(
    private readonly maxBytes: number,
    { connected }: ReplayBudget,
    seen = 0,
  ) {
    this.#account = connected;
    this.#forgotten = this.#seen = this.#sent = seen;
  }

  /** Text frames sent so far, those that wait for a connection included. */
  get sent(): number {
    return this.#sent;
  }

  /** Text frames of those that the client has seen. */
  get seen(): number {
    return this.#seen;
  }

  /** Bytes that no other buffer of a connected session holds. */
  get ownBytes(): number {
    return this.#held().reduce((sum, run) => (run.holders > 1 ? sum : sum + run.length), 0);
  }

  get isWindowFull(): boolean {
    return this.bytes >= MIN_WINDOW_BYTES && this.bytes >= this.maxBytes;
  }

  get takesNotices(): boolean {
    return this.#account.budget.isHalfFree;
  }

  /** Counts the bytes in this account from now on: of the sessions that are connected, or of those that are away. */
  countIn(account: ReplayAccount): void {
    if (account === this.#account) return;
    const runs = this.#held();
    for (const run of runs) this.#account.drop(run);
    this.#account = account;
    for (const run of runs) account.hold(run);
  }

  fits(bytes: number): boolean {
    return this.bytes + bytes <= this.maxBytes;
  }

  /** Keeps nothing of welcomes and pings, because they are not sent again. */
  push(bytes: Buffer, textFrames: number): void {
    if (textFrames === 0) return;
    const run = this.#account.budget.sharedRun(bytes, textFrames);
    this.#add(run);
    this.#account.hold(run);
    this.#count(bytes.length, textFrames);
  }

  pushBlock(block: Block, used: number, textFrames: number): boolean {
    if (textFrames === 0) return false;
    this.expectedBytes = Math.min(used, MEDIUM_BLOCK_BYTES);
    const isKept = used * 2 >= block.bytes.length;
    if (isKept) this.#addTo(new KeptBlock(block, true), used, textFrames);
    else this.#copy(block.bytes, used, textFrames);
    this.#account.changed(used); // not `hold`, because the run may be one that has grown
    this.#count(used, textFrames);
    return isKept;
  }

  /**
   * Forgets the first `frames` text frames, which the client has seen. Returns `false` where fewer were sent.
   *
   * @param isTaken whether nothing waits in the connection. Else no block that was written is reused: a client may report
   *   frames that wait in the connection, and would get the bytes of others in their place
   */
  forget(frames: number, isTaken: boolean): boolean {
    if (frames > this.#sent) return false;
    if (frames <= this.#seen) return true; // an older report
    this.#seen = frames;
    let freed = 0;
    const runs = this.#runs;
    for (
      let run = runs[this.#first];
      run !== undefined && this.#forgotten + run.frames <= frames;
      run = runs[this.#first]
    ) {
      this.#forgotten += run.frames;
      freed += run.length;
      this.#account.drop(run);
      if (run.owner !== null) this.#release(run.owner, isTaken);
      runs[this.#first++] = NO_RUN; // the list may keep the place for a while, and not the bytes
    }
    if (this.#first >= MAX_FORGOTTEN || this.#first === runs.length) this.#cut();
    this.bytes -= freed;
    return true;
  }

  takeUnseen(): FrameBatches | null {
    const parts: UnseenPart[] = [];
    eachUnseen(this.#held(), this.#seen - this.#forgotten, (run, frames, { bytes }) =>
      parts.push({ run, frames, of: bytes }),
    );
    this.clear();
    return packed(parts);
  }

  /** Returns the frames that the client has not seen, oldest first, and how many they are. Keeps them. */
  unseenRuns(): { readonly runs: readonly Buffer[]; readonly frames: number } {
    const runs: Buffer[] = [];
    let total = 0;
    eachUnseen(this.#held(), this.#seen - this.#forgotten, (run, frames) => {
      runs.push(run);
      total += frames;
    });
    return { runs, frames: total };
  }

  /** Hands over the unseen frames of a session that has ended. The budget does not count them any more. */
  release(): UnseenFrames {
    const filled = this.#held().map(({ bytes, start, end }) => bytes.subarray(start, end));
    const unseen = new UnseenFrames(filled, this.#seen - this.#forgotten);
    this.clear();
    return unseen;
  }

  /** Drops everything that the client has not seen. Blocks are not reused, because others may refer to them. */
  clear(): void {
    for (const run of this.#held()) this.#account.drop(run);
    this.bytes = 0;
    this.#first = this.#runs.length;
    this.#copies = null;
    this.#cut();
    this.#forgotten = this.#sent = this.#seen;
  }

  /** Returns the runs with unseen frames, oldest first. */
  #held(): readonly KeptRun[] {
    return this.#runs.slice(this.#first);
  }

  #add(run: KeptRun): void {
    if (this.#runs === NO_RUNS) this.#runs = [];
    this.#runs.push(run);
  }

  /** Adds a run of the next `used` bytes of a block. */
  #addTo(owner: KeptBlock, used: number, textFrames: number): void {
    const start = owner.used;
    owner.used += used;
    owner.runs++;
    this.#add(new KeptRun(owner.block.bytes, start, owner.used, textFrames, owner));
  }

  /** Copies frames behind those that were copied before, although other runs may be between them. */
  #copy(bytes: Buffer, used: number, textFrames: number): void {
    let copies = this.#copies;
    if (copies === null || copies.used + used > copies.block.bytes.length) {
      copies = this.#copies = new KeptBlock(
        this.#account.budget.blockPool.takeFitting(this.#nextCopiesBytes(used)),
        false,
      );
    }
    void bytes.copy(copies.block.bytes, copies.used, 0, used);
    const last = this.#first < this.#runs.length ? this.#runs.at(-1)! : NO_RUN;
    if (last.owner !== copies) return this.#addTo(copies, used, textFrames);
    last.end = copies.used += used;
    last.frames += textFrames;
  }

  /** A block for copies is small until one was filled, so that little is held for a session with few unseen bytes. */
  #nextCopiesBytes(used: number): number {
    if (this.#copies === null) return used;
    const { length } = this.#copies.block.bytes;
    return Math.max(used, this.#copies.used * 2 >= length ? Math.min(length * 2, MEDIUM_BLOCK_BYTES) : 0);
  }

  /** Takes a run away from its block, and returns the block to the pool with the last run. */
  #release(owner: KeptBlock, isTaken: boolean): void {
    if (--owner.runs > 0) return;
    if (owner === this.#copies) this.#copies = null;
    if (isTaken || !owner.isWritten) this.#account.budget.blockPool.give(owner.block);
  }

  #count(bytes: number, textFrames: number): void {
    this.#sent += textFrames;
    this.bytes += bytes;
  }

  #cut(): void {
    this.#runs = this.#first === this.#runs.length ? NO_RUNS : this.#runs.slice(this.#first);
    this.#first = 0;
  }
}
