import type { Block } from '../protocol/index.js';
import { FrameBatches } from '../sessions/frame-batches.js';
import type { Replay } from '../sessions/resumption.js';
import { frameAt } from './frame-walk.js';
import type { ReplayAccount, ReplayBudget } from './replay-budget.js';
import { MAX_PAGE_BYTES } from './replay-pages.js';
import { UnseenFrames } from './unseen-frames.js';

/**
 * Bytes that may be on their way to a connected client at least. A client reports at the latest after 64 KiB, so that four
 * reports fit.
 */
const MIN_WINDOW_BYTES = 262_144;
/** Forgotten buffers at the front of the list after which the list is cut. */
const MAX_FORGOTTEN = 64;

/** Lists of sessions without unseen frames, which are most: an empty list of their own would take 32 bytes. Never changed. */
const NO_BUFFERS: Buffer[] = [];
const NO_COUNTS: number[] = [];
/** Stands for the used bytes of a buffer that is kept as it is. */
const WHOLE = -1;

/**
 * The text frames that were sent to one client and that the client has not seen, with the control frames between them. Shared
 * frames are kept by reference, others are copied one behind the other into pages that are used again. Frames are counted and
 * not numbered: the client reports how many it has received.
 *
 *   seen │ #buffers[#first] … the newest │ sent
 */
export class ReplayBuffer implements Replay {
  /** Bytes that are kept. Not written by others. */
  bytes = 0;
  #buffers: Buffer[] = NO_BUFFERS;
  /** How many text frames the buffer at the same index holds. */
  #frames: number[] = NO_COUNTS;
  /** Bytes of the page at the same index that are used; {@link WHOLE} for a buffer that is no page. */
  #used: number[] = NO_COUNTS;
  /** Index of the oldest buffer. */
  #first = 0;
  /** Text frames before those of the oldest buffer. */
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
    this.#add(bytes, WHOLE, textFrames);
    this.#count(bytes.length, textFrames);
  }

  /** Copies the bytes into a page. Keeps a block as it is that is larger than a page and mostly full. */
  pushBlock({ bytes }: Block, used: number, textFrames: number): boolean {
    if (textFrames === 0) return false;
    if (used > MAX_PAGE_BYTES) {
      const isKept = used * 2 >= bytes.length;
      const filled = bytes.subarray(0, used);
      this.push(isKept ? filled : Buffer.from(filled), textFrames);
      return isKept;
    }
    const last = this.#buffers.length - 1;
    const at = last >= this.#first ? this.#used[last]! : WHOLE;
    if (at !== WHOLE && at + used <= this.#buffers[last]!.length) {
      void bytes.copy(this.#buffers[last]!, at, 0, used);
      this.#used[last] = at + used;
      this.#frames[last]! += textFrames;
    } else {
      const page = this.#account.budget.pages.take(this.bytes + used);
      void bytes.copy(page, 0, 0, used);
      this.#add(page, used, textFrames);
    }
    this.#count(used, textFrames);
    return false;
  }

  /** Forgets the first `frames` text frames, which the client has seen. @returns `false` where fewer were sent */
  forget(frames: number): boolean {
    if (frames > this.#sent) return false;
    if (frames <= this.#seen) return true; // an older report
    this.#seen = frames;
    let freed = 0;
    while (this.#first < this.#buffers.length && this.#forgotten + this.#frames[this.#first]! <= frames) {
      this.#forgotten += this.#frames[this.#first]!;
      freed += this.#lengthAt(this.#first);
      if (this.#used[this.#first] !== WHOLE) this.#account.budget.pages.give(this.#buffers[this.#first]!);
      this.#first++;
    }
    if (this.#first >= MAX_FORGOTTEN || this.#first === this.#buffers.length) this.#cut();
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
    const buffers = this.#buffers.slice(this.#first);
    const filled = buffers.map((buffer, index) => buffer.subarray(0, this.#lengthAt(this.#first + index)));
    const unseen = new UnseenFrames(filled, this.#seen - this.#forgotten);
    this.clear();
    return unseen;
  }

  /** Drops everything that the client has not seen. Pages are not used again, because others may refer to them. */
  clear(): void {
    this.#first = this.#buffers.length;
    this.#cut();
    this.#forgotten = this.#sent = this.#seen;
    this.#free(this.bytes);
  }

  /** Calls back for each run of text frames that are unseen and counted, without the frames between runs. */
  #eachRun(callback: (run: Buffer, frames: number) => void): void {
    let skip = this.#seen - this.#forgotten;
    for (let index = this.#first; index < this.#buffers.length; index++) {
      const bytes = this.#buffers[index]!;
      const length = this.#lengthAt(index);
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

  #add(bytes: Buffer, used: number, textFrames: number): void {
    if (this.#buffers === NO_BUFFERS) [this.#buffers, this.#frames, this.#used] = [[], [], []];
    this.#buffers.push(bytes);
    this.#frames.push(textFrames);
    this.#used.push(used);
  }

  #count(bytes: number, textFrames: number): void {
    this.#sent += textFrames;
    this.bytes += bytes;
    this.#account.changed(bytes);
  }

  #lengthAt(index: number): number {
    const used = this.#used[index]!;
    return used === WHOLE ? this.#buffers[index]!.length : used;
  }

  #cut(): void {
    const isEmpty = this.#first === this.#buffers.length;
    this.#buffers = isEmpty ? NO_BUFFERS : this.#buffers.slice(this.#first);
    this.#frames = isEmpty ? NO_COUNTS : this.#frames.slice(this.#first);
    this.#used = isEmpty ? NO_COUNTS : this.#used.slice(this.#first);
    this.#first = 0;
  }

  #free(bytes: number): void {
    if (bytes === 0) return;
    this.bytes -= bytes;
    this.#account.changed(-bytes);
  }
}
