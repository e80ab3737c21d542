/** Counts who is in under each key, up to a bound; 0 is no bound and costs nothing. */
export class ConnectionCounter {
  readonly #taken = new Map<string, number>();

  constructor(private readonly most: number) {}

  /** Takes a seat; `false` where all of this key are taken. */
  acquire(key: string): boolean {
    if (this.most === 0) return true;
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= this.most) return false;
    this.#taken.set(key, taken + 1);
    return true;
  }

  /** Gives a seat back. */
  release(key: string): void {
    if (this.most === 0) return;
    const taken = this.#taken.get(key) ?? 0;
    if (taken > 1) this.#taken.set(key, taken - 1);
    else this.#taken.delete(key);
  }
}
