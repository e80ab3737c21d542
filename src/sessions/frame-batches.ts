import type { Block } from '../protocol/index.js';
import type { BlockPool } from './block-pool.js';
import type { ByteSink } from './connection.js';

/** Keeps frames that were written. */
interface FrameKeeper {
  push(bytes: Buffer, textFrames: number): void;
}

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

  /**
   * Writes batches until so many bytes are written, and removes them; the last one may exceed the number. Returns how many
   * text frames were written.
   *
   * @param keeper keeps what was written
   */
  writeTo(sink: ByteSink, maxBytes: number, keeper: FrameKeeper | null): number {
    let written = 0;
    let frames = 0;
    let index = 0;
    for (; index < this.#buffers.length && written < maxBytes; index++) {
      const buffer = this.#buffers[index]!;
      sink.send(buffer, buffer.length);
      keeper?.push(buffer, this.#frames[index]!);
      written += buffer.length;
      frames += this.#frames[index]!;
    }
    this.#buffers.splice(0, index);
    this.#frames.splice(0, index);
    this.bytes -= written;
    return frames;
  }

  /** Moves all batches into a keeper. */
  moveTo(keeper: FrameKeeper): void {
    for (let index = 0; index < this.#buffers.length; index++) keeper.push(this.#buffers[index]!, this.#frames[index]!);
    this.#buffers.length = this.#frames.length = this.bytes = 0;
  }
}
