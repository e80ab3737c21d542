/** Lets so many through a second, more at once where they were saved up; reads no clock of its own. */
export class TokenBucket {
  #tokens: number;
  #filledAtMs: number;

  constructor(
    readonly perSecond: number,
    readonly most: number,
    nowMs: number,
  ) {
    this.#tokens = most;
    this.#filledAtMs = nowMs;
  }

  /** Whether so many would go through now. */
  has(count: number, nowMs: number): boolean {
    if (nowMs > this.#filledAtMs) {
      this.#tokens = Math.min(this.most, this.#tokens + ((nowMs - this.#filledAtMs) * this.perSecond) / 1000);
      this.#filledAtMs = nowMs;
    }
    return this.#tokens >= count;
  }

  /** Takes what {@link has} found. */
  take(count: number): void {
    this.#tokens -= count;
  }

  /** Milliseconds until so many will go through. */
  waitMs(count: number): number {
    return Math.max(1, Math.ceil(((Math.min(count, this.most) - this.#tokens) * 1000) / this.perSecond));
  }
}
