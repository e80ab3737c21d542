import { Injectable } from '@nestjs/common';
import { Block } from '../protocol/index.js';

/** Bytes of a small block, which holds some dozen small messages. Small blocks keep one tick within the CPU cache. */
export const SMALL_BLOCK_BYTES = 8192;
/** Bytes of the block for a session with more to send in one tick; written at once when full. */
export const LARGE_BLOCK_BYTES = 65_536;
/** Frames up to this size are copied into a block; longer ones are written as they are. */
export const COPIED_BYTES = 2048;
/** Blocks kept for reuse: at most 8 MiB of each size. */
const MAX_SPARE_SMALL = 1024;
const MAX_SPARE_LARGE = 128;

/** Lends blocks to outboxes and reuses returned ones. */
@Injectable()
export class BlockPool {
  readonly #small: Block[] = [];
  readonly #large: Block[] = [];

  /** Lends a block of at least `bytes` bytes. */
  take(bytes: number): Block {
    if (bytes <= SMALL_BLOCK_BYTES) return this.#small.pop() ?? newBlock(SMALL_BLOCK_BYTES);
    if (bytes <= LARGE_BLOCK_BYTES) return this.#large.pop() ?? newBlock(LARGE_BLOCK_BYTES);
    return newBlock(bytes);
  }

  /** Copies the first `used` bytes of a block into another one, and takes the block back. */
  move(block: Block, used: number, to: Block): void {
    to.bytes.set(block.bytes.subarray(0, used));
    this.give(block);
  }

  /** Takes back a block that nothing refers to any more. */
  give(block: Block): void {
    const { length } = block.bytes;
    if (length === SMALL_BLOCK_BYTES && this.#small.length < MAX_SPARE_SMALL) this.#small.push(block);
    else if (length === LARGE_BLOCK_BYTES && this.#large.length < MAX_SPARE_LARGE) this.#large.push(block);
  }
}

function newBlock(bytes: number): Block {
  return new Block(Buffer.allocUnsafeSlow(bytes));
}
