import { Injectable } from '@nestjs/common';

/** Outboxes that are flushed in one tick for frames that many sessions get. A write takes some microseconds. */
const SHARED_PER_TICK = 512;
/** The same in a tick with direct frames, because the answers to these may follow at once. */
const SHARED_BESIDE_DIRECT = 64;

/** Holds data that is written at the end of a tick: an outbox. */
export interface Flushable {
  flush(): void;
  /** Flushes an outbox that `addShared` added. */
  flushShared(): void;
  /** Closes the session of this outbox, because {@link flush} has thrown. Never throws. */
  fail(error: unknown): void;
}

/**
 * Flushes every outbox with new frames once at the end of the tick, with one system call for each socket.
 * A tick is one turn of the event loop; it ends with `setImmediate`.
 *
 * Outboxes with nothing but shared frames, those of a broadcast and of notices, come last and are divided over ticks:
 * thousands of writes in a row would hold up every direct message.
 */
@Injectable()
export class FlushScheduler {
  #waiting: Flushable[] = [];
  #flushing: Flushable[] = [];
  /** Outboxes with shared frames, in the order in which they are flushed. */
  #shared: Flushable[] = [];
  #scheduled = false;
  #before: (() => void) | undefined;
  readonly #end = (): void => this.#flush();

  /** Sets the function that runs at the end of each tick before the outboxes are flushed. */
  beforeFlush(before: () => void): void {
    this.#before = before;
  }

  /** Schedules a flush for the end of this tick, unless one is scheduled. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#end);
  }

  /** Flushes this outbox at the end of the tick. */
  add(outbox: Flushable): void {
    this.#waiting.push(outbox);
    this.schedule();
  }

  /**
   * Flushes this outbox at the end of this tick or of one of the next, behind the outboxes that `addShared` added before.
   */
  addShared(outbox: Flushable): void {
    this.#shared.push(outbox);
    this.schedule();
  }

  #flush(): void {
    try {
      this.#before?.();
    } finally {
      this.#scheduled = false;
    }
    const outboxes = this.#waiting;
    this.#waiting = this.#flushing;
    this.#flushing = outboxes;
    for (let from = 0; from < outboxes.length;) from = flushFrom(outboxes, from);
    const share = outboxes.length > 0 ? SHARED_BESIDE_DIRECT : SHARED_PER_TICK;
    outboxes.length = 0;
    if (this.#shared.length > 0) this.#flushShared(share);
  }

  #flushShared(share: number): void {
    const outboxes = this.#shared;
    this.#shared = outboxes.length > share ? outboxes.splice(share) : [];
    for (const outbox of outboxes) {
      try {
        outbox.flushShared();
      } catch (error) {
        outbox.fail(error);
      }
    }
    if (this.#shared.length > 0) this.schedule();
  }
}

/**
 * Flushes outboxes up to the first that throws, which fails alone; returns the index behind the last one it has done.
 */
function flushFrom(outboxes: readonly Flushable[], from: number): number {
  let index = from;
  try {
    for (; index < outboxes.length; index++) outboxes[index]!.flush();
  } catch (error) {
    outboxes[index++]!.fail(error);
  }
  return index;
}
