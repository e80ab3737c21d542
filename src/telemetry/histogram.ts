/** Counts values between a few bounds. */
export class Histogram {
  /**
   * Values up to each bound and above the bound before, not cumulated; the last count is of values above all bounds.
   */
  readonly counts: number[];
  sum = 0;

  /** @param bounds in ascending order, each included */
  constructor(readonly bounds: readonly number[]) {
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const { bounds } = this;
    let index = 0;
    while (index < bounds.length && value > bounds[index]!) index++;
    this.counts[index]!++;
    this.sum += value;
  }
}
