/** The time for which a measured offset is used, because clocks drift apart by some parts in a hundred thousand. */
const WINDOW_MS = 60_000;

/**
 * Estimates the offset between the monotonic clocks of another node and of this one. The smallest difference seen is that
 * of the fastest message, so that ages are underestimated by that message's latency.
 */
export class ClockOffset {
  #leastMs = Number.POSITIVE_INFINITY;
  #leastBeforeMs = Number.POSITIVE_INFINITY;
  #windowStartMs = Number.NEGATIVE_INFINITY;

  /** Measures one message. @param nowMs the moment of receiving, on the clock of this node */
  observe(sentAtMs: number, nowMs: number): void {
    if (nowMs - this.#windowStartMs > WINDOW_MS) {
      this.#leastBeforeMs = this.#leastMs;
      this.#leastMs = Number.POSITIVE_INFINITY;
      this.#windowStartMs = nowMs;
    }
    this.#leastMs = Math.min(this.#leastMs, nowMs - sentAtMs);
  }

  /** Returns the age of a message, less the latency of the fastest one. */
  ageMs(sentAtMs: number, nowMs: number): number {
    return nowMs - sentAtMs - Math.min(this.#leastMs, this.#leastBeforeMs);
  }
}
