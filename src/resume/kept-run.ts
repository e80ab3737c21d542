import type { Block } from '../protocol/index.js';

/** Encoded frames, one behind the other, that were sent to a client. */
export class KeptRun {
  /**
   * @param block the block of `bytes`, to which more frames may be added, and which is reused once all frames were seen;
   *   `null` where others may refer to the bytes
   */
  constructor(
    readonly bytes: Buffer,
    /** Bytes of the frames. */
    public length: number,
    /** Text frames that both sides count. */
    public frames: number,
    readonly block: Block | null,
  ) {}
}
