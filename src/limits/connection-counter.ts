/** Counts connections by key, up to a limit. A limit of 0 means no limit; nothing is counted then. */
export class ConnectionCounter {
  readonly #counts = new Map<string, number>();

  /** @param others returns how many connections of a key other nodes have, which count to the limit */
  constructor(
    private readonly limit: number,
    private readonly others?: (key: string) => number,
  ) {}

  /** Counts a connection; returns `false`, and counts nothing, where the key is at its limit. */
  acquire(key: string): boolean {
    if (this.isFull(key)) return false;
    this.add(key);
    return true;
  }

  /** Counts a connection that has its place already, whatever the limit. */
  add(key: string): void {
    if (this.limit > 0) this.#counts.set(key, this.count(key) + 1);
  }

  /** Returns whether the key is at its limit. */
  isFull(key: string): boolean {
    return this.limit > 0 && this.count(key) + (this.others?.(key) ?? 0) >= this.limit;
  }

  /** Returns how many connections of a key {@link acquire} has counted. */
  count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Uncounts a connection of {@link acquire}. */
  release(key: string): void {
    if (this.limit === 0) return;
    const count = this.count(key);
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
  }
}
