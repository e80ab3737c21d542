import type { Frame } from '../protocol/index.js';

const NO_BYTES = Buffer.alloc(0);

/**
 * Frames in order, of which the last ones can be read as one run of bytes from any index on. All runs share memory: frames
 * are copied behind each other once, and once more when that memory doubles.
 */
export class FrameLog {
  #frames: Frame[] = [];
  /** Where each frame starts, and at which byte the last one ends. */
  #starts = [0];
  #joined: Buffer = NO_BYTES;
  /** Frames that `#joined` holds. */
  #joinedFrames = 0;
  /** The last run, because most sessions need the same one. */
  #run: { readonly from: number; readonly to: number; readonly bytes: Frame } | undefined;

  get length(): number {
    return this.#frames.length;
  }

  push(frame: Frame): void {
    this.#frames.push(frame);
    this.#starts.push(this.#starts.at(-1)! + frame.length);
  }

  /** Returns the frames from this index on, of which there must be one, joined. */
  joinedFrom(from: number): Frame {
    const to = this.#frames.length;
    if (from === to - 1) return this.#frames[from]!;
    if (this.#run?.from === from && this.#run.to === to) return this.#run.bytes;
    this.#join();
    const bytes = this.#joined.subarray(this.#starts[from], this.#starts[to]) as Frame;
    this.#run = { from, to, bytes };
    return bytes;
  }

  /** Returns a log of the frames behind the first `count`. Memory is not used again, because outboxes may still hold it. */
  after(count: number): FrameLog {
    const rest = new FrameLog();
    for (const frame of this.#frames.slice(count)) rest.push(frame);
    return rest;
  }

  #join(): void {
    const bytes = this.#starts.at(-1)!;
    if (bytes > this.#joined.length) {
      const larger = Buffer.allocUnsafe(Math.max(bytes, 2 * this.#joined.length));
      larger.set(this.#joined.subarray(0, this.#starts[this.#joinedFrames]));
      this.#joined = larger;
    }
    for (; this.#joinedFrames < this.#frames.length; this.#joinedFrames++)
      this.#joined.set(this.#frames[this.#joinedFrames]!, this.#starts[this.#joinedFrames]);
  }
}
