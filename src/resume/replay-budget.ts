import { Injectable } from '@nestjs/common';
import { Settings } from '../settings/settings.js';

/** Counts the bytes in the replay buffers of all sessions, and has sessions end while they exceed the budget. */
@Injectable()
export class ReplayBudget {
  readonly #budgetBytes: number;
  #totalBytes = 0;
  #isScheduled = false;
  #endOne: () => boolean = () => false;

  constructor({ resumeBudgetBytes }: Settings) {
    this.#budgetBytes = resumeBudgetBytes;
  }

  /** Bytes in all replay buffers. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Whether at most half of the budget is used. */
  get isHalfFree(): boolean {
    return this.#totalBytes <= this.#budgetBytes / 2;
  }

  /** Sets the function that ends one session; it returns `false` where no session is left. */
  onExceeded(endOne: () => boolean): void {
    this.#endOne = endOne;
  }

  /** Counts a change of the bytes in one buffer. Sessions end at the end of the tick, because a write may be running. */
  changed(bytes: number): void {
    this.#totalBytes += bytes;
    if (this.#totalBytes <= this.#budgetBytes || this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.#isScheduled = false;
      while (this.#totalBytes > this.#budgetBytes && this.#endOne());
    });
  }
}
