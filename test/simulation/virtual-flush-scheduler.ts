import { FlushScheduler, type Flushable } from '../../src/sessions/flush-scheduler.js';
import type { VirtualProcess } from './virtual-time.js';

/** Flushes at the end of a virtual turn. */
export class VirtualFlushScheduler extends FlushScheduler {
  readonly #waiting: Flushable[] = [];
  readonly #shared: Flushable[] = [];
  #scheduled = false;
  #before: (() => void) | undefined;

  constructor(private readonly clock: VirtualProcess) {
    super();
  }

  override beforeFlush(before: () => void): void {
    this.#before = before;
  }

  override schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.clock.atEndOfTurn(() => {
      this.#before?.();
      this.#scheduled = false;
      for (const outbox of this.#waiting.splice(0)) outbox.flush();
      for (const outbox of this.#shared.splice(0)) outbox.flushShared();
    });
  }

  override add(outbox: Flushable): void {
    this.#waiting.push(outbox);
    this.schedule();
  }

  override addShared(outbox: Flushable): void {
    this.#shared.push(outbox);
    this.schedule();
  }
}
