import { frameAt } from './frame-walk.js';

/** The frames that the client of an ended session has not seen. They are found one by one, because they may be thousands. */
export class UnseenFrames {
  /** Bytes of the buffers that were not read to their end. */
  bytes: number;
  #index = 0;
  #at = 0;

  /**
   * @param buffers encoded frames, oldest first
   * @param skipped counted frames at the front that the client has seen
   */
  constructor(
    private readonly buffers: readonly Buffer[],
    private skipped: number,
  ) {
    this.bytes = buffers.reduce((sum, { length }) => sum + length, 0);
  }

  /** Returns the payload of the next text frame that the client has not seen; `undefined` where none is left. */
  next(): Buffer | undefined {
    for (let buffer = this.buffers[this.#index]; buffer !== undefined; buffer = this.buffers[this.#index]) {
      const { payloadAt, end, isCounted } = frameAt(buffer, this.#at);
      this.#at = end;
      if (end >= buffer.length) {
        this.#index++;
        this.#at = 0;
        this.bytes -= buffer.length;
      }
      if (isCounted && this.skipped-- <= 0) return buffer.subarray(payloadAt, end);
    }
    return undefined;
  }
}
