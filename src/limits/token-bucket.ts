/** Limits a rate with bursts. Reads no clock: the caller passes monotonic milliseconds. */
export class TokenBucket {
  #tokens: number;
  #filledAtMs: number;

  /** @param capacity tokens of a full bucket, which is the largest burst; a new bucket is full */
  constructor(
    readonly perSecond: number,
    readonly capacity: number,
    nowMs: number,
  ) {
    this.#tokens = capacity;
    this.#filledAtMs = nowMs;
  }

  /** Refills the bucket and returns whether it holds so many tokens. */
  has(count: number, nowMs: number): boolean {
    if (nowMs > this.#filledAtMs) {
      this.#tokens = Math.min(this.capacity, this.#tokens + ((nowMs - this.#filledAtMs) * this.perSecond) / 1000);
      this.#filledAtMs = nowMs;
    }
    return this.#tokens >= count;
  }

  /** Takes tokens. More than {@link has} found make a debt that is refilled first. */
  take(count: number): void {
    this.#tokens -= count;
  }

  /** Takes tokens if the bucket holds so many; returns whether it does. */
  tryTake(count: number, nowMs: number): boolean {
    if (!this.has(count, nowMs)) return false;
    this.#tokens -= count;
    return true;
  }

  /** Milliseconds until the bucket holds so many tokens, at least 1. */
  waitMs(count: number): number {
    return Math.max(1, Math.ceil(((Math.min(count, this.capacity) - this.#tokens) * 1000) / this.perSecond));
  }
}
