import { Injectable } from '@nestjs/common';
import { Block } from '../protocol/index.js';

/** Bytes of the first block of a batch, which holds a few small messages. Small blocks keep a tick in the processor's cache. */
const SMALL_BLOCK_BYTES = 2048;
/** Bytes of the next block, which holds some dozen small messages. */
export const MEDIUM_BLOCK_BYTES = 8192;
/** Bytes of the block for a session with more to send in one tick; written at once when full. */
export const LARGE_BLOCK_BYTES = 65_536;
/** Frames up to this size are copied into a block; longer ones are written as they are. */
export const COPIED_BYTES = 2048;
/** Bytes of the smallest block of {@link BlockPool.takeFitting}. */
const MIN_BLOCK_BYTES = 512;
/** Bytes of blocks that are kept for reuse: of each size of {@link BlockPool.take}, and of any other size. */
const MAX_SPARE_BYTES = 8_388_608;
const MAX_SPARE_OTHER_BYTES = 4_194_304;

/**
 * Lends blocks to outboxes and replay buffers, and reuses returned ones. Memory that is new for each write would have to be
 * collected, and would drive everything else out of the cache of the processor.
 */
@Injectable()
export class BlockPool {
  /** Blocks for reuse, by the binary logarithm of their size. */
  readonly #spare: Block[][] = Array.from({ length: exponentOf(LARGE_BLOCK_BYTES) + 1 }, () => []);

  /** Lends a block of at least `bytes` bytes for frames that are sent at once. */
  take(bytes: number): Block {
    return this.#take(batchBlockBytes(bytes));
  }

  /** Lends a block of at least `bytes` bytes for frames that are kept: 512 bytes, or less than twice as many. */
  takeFitting(bytes: number): Block {
    if (bytes > LARGE_BLOCK_BYTES) return this.#take(bytes);
    return this.#take(bytes <= MIN_BLOCK_BYTES ? MIN_BLOCK_BYTES : 2 ** exponentOf(bytes));
  }

  /** Copies the first `used` bytes of a block into another one, and takes the block back. */
  move(block: Block, used: number, to: Block): void {
    to.bytes.set(block.bytes.subarray(0, used));
    this.give(block);
  }

  /** Takes back a block that nothing refers to any more. */
  give(block: Block): void {
    const { length } = block.bytes;
    const exponent = exponentOf(length);
    const spare = this.#spare[exponent];
    if (spare === undefined || length !== 2 ** exponent) return;
    const isCommon = length === batchBlockBytes(length);
    if (spare.length * length < (isCommon ? MAX_SPARE_BYTES : MAX_SPARE_OTHER_BYTES)) spare.push(block);
  }

  #take(bytes: number): Block {
    return this.#spare[exponentOf(bytes)]?.pop() ?? new Block(Buffer.allocUnsafeSlow(bytes));
  }
}

/** Returns the size of the block for a batch of so many bytes. */
function batchBlockBytes(bytes: number): number {
  if (bytes <= SMALL_BLOCK_BYTES) return SMALL_BLOCK_BYTES;
  return bytes <= MEDIUM_BLOCK_BYTES ? MEDIUM_BLOCK_BYTES : Math.max(bytes, LARGE_BLOCK_BYTES);
}

/** Returns the exponent of the smallest power of two that is not less. */
function exponentOf(bytes: number): number {
  return 32 - Math.clz32(bytes - 1);
}
