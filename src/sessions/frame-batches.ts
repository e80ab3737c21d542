import type { Block } from '../protocol/index.js';
import type { BlockPool } from './block-pool.js';
import type { ByteSink } from './connection.js';

/**
 * Sealed batches of frames that wait for a full or missing connection, in order.
 * Two parallel arrays hold bytes and counts, because an object for each batch would cost an allocation.
 */
export class FrameBatches {
  /** Bytes of all batches. */
  bytes = 0;
  readonly #buffers: Buffer[] = [];
  /** How many text frames the batch at the same index holds. */
  readonly #frames: number[] = [];

  /** @param frames how many text frames `buffer` holds */
  push(buffer: Buffer, frames: number): void {
    this.#buffers.push(buffer);
    this.#frames.push(frames);
    this.bytes += buffer.length;
  }

  /**
   * Takes over the first `used` bytes of a block. Copies them where the block is mostly empty, so that at most twice
   * the counted bytes are held.
   */
  pushBlock(block: Block, used: number, frames: number, pool: BlockPool): void {
    const filled = block.bytes.subarray(0, used);
    if (used * 2 >= block.bytes.length) return this.push(filled, frames);
    this.push(Buffer.from(filled), frames);
    pool.give(block);
  }

  /** Writes all batches and returns how many text frames they hold. The caller drops this object afterwards. */
  writeTo(sink: ByteSink): number {
    let frames = 0;
    for (let index = 0; index < this.#buffers.length; index++) {
      const buffer = this.#buffers[index]!;
      sink.send(buffer, buffer.length);
      frames += this.#frames[index]!;
    }
    return frames;
  }
}
