/** A difference found is trusted so long; clocks drift apart by some parts in a hundred thousand. */
const WINDOW_MS = 60_000;

/**
 * How far another node's monotonic clock is from ours, as far as messages tell: the smallest difference seen is that of
 * the message that travelled fastest. So the age of any other is known but for that one's travel.
 */
export class ClockOffset {
  #least = Number.POSITIVE_INFINITY;
  #before = Number.POSITIVE_INFINITY;
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** Learns from a message. @param nowMs by our clock */
  observe(sentAtMs: number, nowMs: number): void {
    if (nowMs - this.#sinceMs > WINDOW_MS) {
      this.#before = this.#least;
      this.#least = Number.POSITIVE_INFINITY;
      this.#sinceMs = nowMs;
    }
    this.#least = Math.min(this.#least, nowMs - sentAtMs);
  }

  /** How long ago a message was sent, not counting the least time that one takes. */
  ageMs(sentAtMs: number, nowMs: number): number {
    return nowMs - sentAtMs - Math.min(this.#least, this.#before);
  }
}
