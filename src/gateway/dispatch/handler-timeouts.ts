interface Deadline {
  readonly dueMs: number;
  readonly reject: (error: Error) => void;
}

/**
 * Watches calls of handlers, which all have the same time: whichever began first is due first, so that one timer serves
 * them all.
 */
export class HandlerTimeouts {
  /** In the order in which they began. */
  readonly #running = new Set<Deadline>();
  #watching = false;

  constructor(private readonly timeoutMs: number) {}

  /** Settles as the call does, or rejects when that takes too long: what it still does then is its own affair. */
  within<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const deadline: Deadline = { dueMs: performance.now() + this.timeoutMs, reject };
      const settle =
        <Outcome>(how: (outcome: Outcome) => void) =>
        (outcome: Outcome): void => {
          this.#running.delete(deadline);
          how(outcome);
        };
      this.#running.add(deadline);
      if (!this.#watching) this.#watch(this.timeoutMs);
      void call.then(settle(resolve), settle(reject));
    });
  }

  #watch(waitMs: number): void {
    this.#watching = true;
    setTimeout(() => this.#look(), Math.ceil(waitMs)).unref();
  }

  #look(): void {
    this.#watching = false;
    const nowMs = performance.now();
    for (const deadline of this.#running) {
      if (deadline.dueMs > nowMs) return this.#watch(deadline.dueMs - nowMs);
      this.#running.delete(deadline);
      deadline.reject(new Error(`a handler took longer than ${this.timeoutMs} ms`));
    }
  }
}
