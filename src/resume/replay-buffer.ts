import type { Block } from '../protocol/index.js';
import { SMALL_BLOCK_BYTES } from '../sessions/block-pool.js';
import { FrameBatches } from '../sessions/frame-batches.js';
import type { Replay } from '../sessions/resumption.js';
import { frameAt } from './frame-walk.js';
import { KeptRun } from './kept-run.js';
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
 * frames are kept by reference. So is a block of joined frames that is mostly full; from others the frames are copied, one
 * behind the other. Frames are counted and not numbered: the client reports how many it has received.
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

  get isWindowFull(): boolean {
    return this.bytes >= MIN_WINDOW_BYTES && this.bytes >= this.maxBytes;
  }

  get takesNotices(): boolean {
    return this.#account.budget.isHalfFree;
  }

  /** Counts the bytes in this account from now on: of the sessions that are connected, or of those that are away. */
  countIn(account: ReplayAccount): void {
    if (account === this.#account) return;
    this.#account.changed(-this.bytes);
    this.#account = account;
    account.changed(this.bytes);
  }

  fits(bytes: number): boolean {
    return this.bytes + bytes <= this.maxBytes;
  }

  /** Keeps nothing of welcomes and pings, because they are not sent again. */
  push(bytes: Buffer, textFrames: number): void {
    if (textFrames === 0) return;
    this.#add(this.#account.budget.sharedRun(bytes, textFrames));
    this.#count(bytes.length, textFrames);
  }

  pushBlock(block: Block, used: number, textFrames: number, isTaken: boolean): boolean {
    if (textFrames === 0) return false;
    this.expectedBytes = Math.min(used, SMALL_BLOCK_BYTES);
    const isKept = used * 2 >= block.bytes.length;
    // A client that reports what it has not been sent must not have the block reused while the connection holds it.
    if (isKept) this.#add(new KeptRun(block.bytes, used, textFrames, isTaken ? block : null));
    else this.#copy(block.bytes, used, textFrames);
    this.#count(used, textFrames);
    return isKept;
  }

  /** Forgets the first `frames` text frames, which the client has seen. @returns `false` where fewer were sent */
  forget(frames: number): boolean {
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
      if (run.block !== null) this.#account.budget.blockPool.give(run.block);
      this.#first++;
    }
    if (this.#first >= MAX_FORGOTTEN || this.#first === runs.length) this.#cut();
    this.#free(freed);
    return true;
  }

  takeUnseen(): FrameBatches | null {
    const batches = new FrameBatches();
    this.#eachRun((run, frames) => batches.push(run, frames));
    this.clear();
    return batches.bytes === 0 ? null : batches;
  }

  /** Returns the payloads of the text frames that the client has not seen, oldest first. */
  unseen(): Buffer[] {
    const payloads: Buffer[] = [];
    this.#eachRun((run) => {
      for (let at = 0; at < run.length;) {
        const { payloadAt, end } = frameAt(run, at);
        payloads.push(run.subarray(payloadAt, end));
        at = end;
      }
    });
    return payloads;
  }

  /** Returns the frames that the client has not seen, oldest first, and how many they are. Keeps them. */
  unseenRuns(): { readonly runs: readonly Buffer[]; readonly frames: number } {
    const runs: Buffer[] = [];
    let total = 0;
    this.#eachRun((run, frames) => {
      runs.push(run);
      total += frames;
    });
    return { runs, frames: total };
  }

  /** Hands over the unseen frames of a session that has ended. The budget does not count them any more. */
  release(): UnseenFrames {
    const filled = this.#runs.slice(this.#first).map(({ bytes, length }) => bytes.subarray(0, length));
    const unseen = new UnseenFrames(filled, this.#seen - this.#forgotten);
    this.clear();
    return unseen;
  }

  /** Drops everything that the client has not seen. Blocks are not reused, because others may refer to them. */
  clear(): void {
    this.#first = this.#runs.length;
    this.#cut();
    this.#forgotten = this.#sent = this.#seen;
    this.#free(this.bytes);
  }

  /** Calls back for each run of text frames that are unseen and counted, without the frames between runs. */
  #eachRun(callback: (run: Buffer, frames: number) => void): void {
    let skip = this.#seen - this.#forgotten;
    for (let index = this.#first; index < this.#runs.length; index++) {
      const { bytes, length } = this.#runs[index]!;
      let start = 0;
      let frames = 0;
      for (let at = 0; at < length;) {
        const { end, isCounted } = frameAt(bytes, at);
        if (!isCounted || skip > 0) {
          if (frames > 0) callback(bytes.subarray(start, at), frames);
          if (isCounted) skip--;
          start = end;
          frames = 0;
        } else frames++;
        at = end;
      }
      if (frames > 0) callback(bytes.subarray(start, length), frames);
    }
  }

  #add(run: KeptRun): void {
    if (this.#runs === NO_RUNS) this.#runs = [];
    this.#runs.push(run);
  }

  /** Copies frames behind the last ones, or into a block of their own. Small where little is unseen. */
  #copy(bytes: Buffer, used: number, textFrames: number): void {
    const last = this.#first < this.#runs.length ? this.#runs.at(-1)! : null;
    if (last !== null && last.block !== null && last.length + used <= last.bytes.length) {
      void bytes.copy(last.bytes, last.length, 0, used);
      last.length += used;
      last.frames += textFrames;
      return;
    }
    const size = Math.max(used, Math.min(this.bytes + used, SMALL_BLOCK_BYTES));
    const block = this.#account.budget.blockPool.takeFitting(size);
    void bytes.copy(block.bytes, 0, 0, used);
    this.#add(new KeptRun(block.bytes, used, textFrames, block));
  }

  #count(bytes: number, textFrames: number): void {
    this.#sent += textFrames;
    this.bytes += bytes;
    this.#account.changed(bytes);
  }

  #cut(): void {
    this.#runs = this.#first === this.#runs.length ? NO_RUNS : this.#runs.slice(this.#first);
    this.#first = 0;
  }

  #free(bytes: number): void {
    if (bytes === 0) return;
    this.bytes -= bytes;
    this.#account.changed(-bytes);
  }
}
