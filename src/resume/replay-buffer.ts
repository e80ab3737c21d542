import type { Block } from '../protocol/index.js';
import { FrameBatches } from '../sessions/frame-batches.js';
import type { Replay } from '../sessions/resumption.js';
import { frameAt } from './frame-walk.js';
import type { ReplayAccount, ReplayBudget } from './replay-budget.js';
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
const NO_FRAMES: number[] = [];

/**
 * The text frames that were sent to one client and that the client has not seen, with the control frames between them. Shared
 * frames are kept by reference. Frames are counted and not numbered: the client reports how many it has received.
 *
 *   seen │ #buffers[#first] … the newest │ sent
 */
export class ReplayBuffer implements Replay {
  /** Bytes that are kept. Not written by others. */
  bytes = 0;
  #buffers: Buffer[] = NO_BUFFERS;
  /** How many text frames the buffer at the same index holds. */
  #frames: number[] = NO_FRAMES;
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
    if (this.#buffers === NO_BUFFERS) [this.#buffers, this.#frames] = [[], []];
    this.#buffers.push(bytes);
    this.#frames.push(textFrames);
    this.#sent += textFrames;
    this.bytes += bytes.length;
    this.#account.changed(bytes.length);
  }

  /** Copies the bytes where the block is mostly empty, so that at most twice the counted bytes are held. */
  pushBlock({ bytes }: Block, used: number, textFrames: number): boolean {
    if (textFrames === 0) return false;
    const isKept = used * 2 >= bytes.length;
    const filled = bytes.subarray(0, used);
    this.push(isKept ? filled : Buffer.from(filled), textFrames);
    return isKept;
  }

  /** Forgets the first `frames` text frames, which the client has seen. @returns `false` where fewer were sent */
  forget(frames: number): boolean {
    if (frames > this.#sent) return false;
    if (frames <= this.#seen) return true; // an older report
    this.#seen = frames;
    let freed = 0;
    while (this.#first < this.#buffers.length && this.#forgotten + this.#frames[this.#first]! <= frames) {
      this.#forgotten += this.#frames[this.#first]!;
      freed += this.#buffers[this.#first]!.length;
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
    const unseen = new UnseenFrames(this.#buffers.slice(this.#first), this.#seen - this.#forgotten);
    this.clear();
    return unseen;
  }

  /** Drops everything that the client has not seen. */
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
      let start = 0;
      let frames = 0;
      for (let at = 0; at < bytes.length;) {
        const { end, isCounted } = frameAt(bytes, at);
        if (!isCounted || skip > 0) {
          if (frames > 0) callback(bytes.subarray(start, at), frames);
          if (isCounted) skip--;
          start = end;
          frames = 0;
        } else frames++;
        at = end;
      }
      if (frames > 0) callback(bytes.subarray(start), frames);
    }
  }

  #cut(): void {
    const isEmpty = this.#first === this.#buffers.length;
    this.#buffers = isEmpty ? NO_BUFFERS : this.#buffers.slice(this.#first);
    this.#frames = isEmpty ? NO_FRAMES : this.#frames.slice(this.#first);
    this.#first = 0;
  }

  #free(bytes: number): void {
    if (bytes === 0) return;
    this.bytes -= bytes;
    this.#account.changed(-bytes);
  }
}
