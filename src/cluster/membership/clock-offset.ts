/** The time for which a measured offset is used, because clocks drift apart by some parts in a hundred thousand. */
const WINDOW_MS = 60_000;

/**
 * Bounds the offset between the monotonic clocks of another node and of this one, by round trips. The answer to a
 * question was sent after the question. The difference of the two moments is therefore the offset plus a part of the
 * round trip. The smallest difference is used.
 */
export class ClockOffset {
  #leastMs = Number.POSITIVE_INFINITY;
  #leastBeforeMs = Number.POSITIVE_INFINITY;
  #windowStartMs = Number.NEGATIVE_INFINITY;

  /**
   * Measures one round trip.
   *
   * @param askedAtMs the moment of the question, on the clock of this node
   * @param answeredAtMs the moment of the answer, on the clock of the other node
   */
  observe(askedAtMs: number, answeredAtMs: number): void {
    const windowAgeMs = askedAtMs - this.#windowStartMs;
    if (windowAgeMs > WINDOW_MS) {
      this.#leastBeforeMs = windowAgeMs > 2 * WINDOW_MS ? Number.POSITIVE_INFINITY : this.#leastMs;
      this.#leastMs = Number.POSITIVE_INFINITY;
      this.#windowStartMs = askedAtMs;
    }
    this.#leastMs = Math.min(this.#leastMs, answeredAtMs - askedAtMs);
  }

  /**
   * Returns the age that a message has at most; infinite before the first round trip. Includes the return trip, so a
   * receipt sent now arrives by this age.
   */
  maxAgeMs(sentAtMs: number, nowMs: number): number {
    return nowMs - sentAtMs + Math.min(this.#leastMs, this.#leastBeforeMs);
  }
}
