import { Injectable } from '@nestjs/common';
import type { Outbox } from './outbox.js';

/** Bytes of a pooled block: some dozen small messages, small enough that those of one turn stay in the cache. */
export const BLOCK_BYTES = 8192;
/** Blocks kept for reuse: 8 MiB at the most. */
const MAX_SPARE_BLOCKS = 1024;

/**
 * One turn of the event loop: everything written during it leaves at its end, one system call a socket.
 * Runs what others put first (`before`), then flushes each outbox that has something to say.
 */
@Injectable()
export class Turn {
  readonly #spare: Buffer[] = [];
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

  takeBlock(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  /** Takes back a block that nobody refers to any more. */
  giveBlock(block: Buffer): void {
    if (block.length === BLOCK_BYTES && this.#spare.length < MAX_SPARE_BLOCKS) this.#spare.push(block);
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
