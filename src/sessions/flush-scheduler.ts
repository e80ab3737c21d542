import { Injectable } from '@nestjs/common';
import { Block } from '../protocol/index.js';
import type { Outbox } from './outbox.js';

/** Bytes of a block: some dozen small messages, so that the blocks of one turn stay in the cache. */
export const SMALL_BLOCK_BYTES = 8192;
/** Bytes of the block that a session gets whose turn has more to say; it leaves when that is full. */
export const LARGE_BLOCK_BYTES = 65_536;
/** Blocks kept for reuse: 8 MiB of each size at the most. */
const MAX_SPARE_SMALL = 1024;
const MAX_SPARE_LARGE = 128;

/**
 * One turn of the event loop: everything written during it leaves at its end, one system call a socket.
 * Runs what others put first (`before`), then flushes each outbox that has something to say.
 */
@Injectable()
export class FlushScheduler {
  readonly #small: Block[] = [];
  readonly #large: Block[] = [];
  #waiting: Outbox[] = [];
  #flushing: Outbox[] = [];
  #scheduled = false;
  #before: (() => void) | undefined;
  readonly #end = (): void => this.#flush();

  /** Sets what runs at the end of a turn before the outboxes are flushed. */
  beforeFlush(before: () => void): void {
    this.#before = before;
  }

  /** Makes sure that this turn has an end. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#end);
  }

  /** Flushes this outbox at the end of the turn. */
  add(outbox: Outbox): void {
    this.#waiting.push(outbox);
    this.schedule();
  }

  /** Lends a block of at least so many bytes. */
  takeBlock(bytes: number): Block {
    if (bytes <= SMALL_BLOCK_BYTES) return this.#small.pop() ?? newBlock(SMALL_BLOCK_BYTES);
    if (bytes <= LARGE_BLOCK_BYTES) return this.#large.pop() ?? newBlock(LARGE_BLOCK_BYTES);
    return newBlock(bytes);
  }

  /** Takes back a block that nobody refers to any more. */
  giveBlock(block: Block): void {
    const { length } = block.bytes;
    if (length === SMALL_BLOCK_BYTES && this.#small.length < MAX_SPARE_SMALL) this.#small.push(block);
    else if (length === LARGE_BLOCK_BYTES && this.#large.length < MAX_SPARE_LARGE) this.#large.push(block);
  }

  #flush(): void {
    this.#before?.();
    this.#scheduled = false;
    const outboxes = this.#waiting;
    this.#waiting = this.#flushing;
    this.#flushing = outboxes;
    for (let index = 0; index < outboxes.length; index++) outboxes[index]!.flush();
    outboxes.length = 0;
  }
}

function newBlock(bytes: number): Block {
  return new Block(Buffer.allocUnsafeSlow(bytes));
}
