interface Deadline {
  readonly dueMs: number;
  readonly reject: (error: Error) => void;
}

/** Limits how long handler calls may take. One timer serves all calls, because all have the same timeout. */
export class HandlerTimeouts {
  /** In the order of their start, which is the order in which they are due. */
  readonly #running = new Set<Deadline>();
  #watching = false;

  /** @param work what is limited, for the text of the error */
  constructor(
    private readonly timeoutMs: number,
    private readonly work = 'handler',
  ) {}

  /** Settles as the call does, or rejects after the timeout. The call itself is not cancelled. */
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
    setTimeout(() => this.#expire(), Math.ceil(waitMs)).unref();
  }

  /** Rejects all calls that are due and sets the timer for the next. */
  #expire(): void {
    this.#watching = false;
    const nowMs = performance.now();
    for (const deadline of this.#running) {
      if (deadline.dueMs > nowMs) return this.#watch(deadline.dueMs - nowMs);
      this.#running.delete(deadline);
      deadline.reject(new Error(`${this.work} exceeded HANDLER_TIMEOUT_MS, ${this.timeoutMs} ms`));
    }
  }
}
