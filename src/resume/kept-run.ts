import type { Block } from '../protocol/index.js';

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
