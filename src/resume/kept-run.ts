import type { Block } from '../protocol/index.js';
import { frameAt } from './frame-walk.js';

/** A block in which frames of one session are kept. */
export class KeptBlock {
  /** Bytes from the start that are used. Written by `ReplayBuffer`. */
  used = 0;
  /** Runs in the block that have unseen frames. Written by `ReplayBuffer`. */
  runs = 0;

  /** @param isWritten whether the block itself was written, so that a connection may refer to it */
  constructor(
    readonly block: Block,
    readonly isWritten: boolean,
  ) {}
}

/** Encoded frames, one behind the other, that were sent to a client. */
export class KeptRun {
  /** Buffers of connected sessions that hold this run, where it has no owner. Written by `ReplayAccount`. */
  holders = 0;

  /** @param owner the block of `bytes`, which is reused once all its runs were seen; `null` where others refer to the bytes */
  constructor(
    readonly bytes: Buffer,
    readonly start: number,
    /** Offset behind the frames. Written by `ReplayBuffer`. */
    public end: number,
    /** Text frames that both sides count. Written by `ReplayBuffer`. */
    public frames: number,
    readonly owner: KeptBlock | null,
  ) {}

  /** Bytes of the frames. */
  get length(): number {
    return this.end - this.start;
  }
}

/** Takes the place of a run that nothing may refer to any more. */
export const NO_RUN = new KeptRun(Buffer.alloc(0), 0, 0, 0, null);

/**
 * Calls back for each part of text frames that are unseen and counted, without the frames between parts.
 *
 * @param skipped counted frames at the front that the client has seen
 */
export function eachUnseen(
  runs: readonly KeptRun[],
  skipped: number,
  callback: (part: Buffer, frames: number, kept: KeptRun) => void,
): void {
  let skip = skipped;
  for (const kept of runs) {
    const { bytes } = kept;
    let { start } = kept;
    let frames = 0;
    for (let at = start; at < kept.end;) {
      const { end, isCounted } = frameAt(bytes, at);
      if (!isCounted || skip > 0) {
        if (frames > 0) callback(partOf(bytes, start, at), frames, kept);
        if (isCounted) skip--;
        start = end;
        frames = 0;
      } else frames++;
      at = end;
    }
    if (frames > 0) callback(partOf(bytes, start, kept.end), frames, kept);
  }
}

/** Returns a part of bytes; the same buffer where that is all, because sessions share it. */
function partOf(bytes: Buffer, start: number, end: number): Buffer {
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}
