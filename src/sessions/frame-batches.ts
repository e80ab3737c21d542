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

  /** Writes all batches and returns how many text frames they hold. The caller drops this object afterwards. */
  writeTo(sink: ByteSink): number {
    let frames = 0;
    for (let index = 0; index < this.#buffers.length; index++) {
      sink.write(this.#buffers[index]!);
      frames += this.#frames[index]!;
    }
    return frames;
  }
}
