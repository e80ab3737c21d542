import { isThenable } from '../thenable.js';

interface Deadline<Call> {
  readonly dueMs: number;
  readonly call: Call;
  readonly reject: (error: Error) => void;
}

/** Receives what happens to a call beside its outcome. */
export interface TimeoutListener<Call> {
  /** The call has taken too long; it goes on, but its outcome is ignored. */
  timedOut(call: Call, error: Error): void;
  /** A call has failed after its timeout. */
  failedLate(call: Call, error: unknown): void;
}

/** Limits how long handler calls may take. One timer serves all calls, because all have the same timeout. */
export class HandlerTimeouts<Call> {
  /** In the order of their start, which is the order in which they are due. */
  readonly #running = new Set<Deadline<Call>>();
  #watching = false;

  /** @param work what is limited, for the text of the error */
  constructor(
    private readonly timeoutMs: number,
    private readonly listener: TimeoutListener<Call>,
    private readonly work = 'handler',
  ) {}

  /** Settles as `outcome` does, or rejects after the timeout. The call itself is not cancelled. */
  within<T>(call: Call, outcome: Promise<T>): Promise<T> {
    return this.withinBoth(call, outcome, unchanged);
  }

  /**
   * Settles as `next` does, which is called with the outcome unless the call has timed out. Both have one timeout.
   *
   * @param next may return a promise; what it throws rejects
   */
  withinBoth<T, R>(call: Call, outcome: Promise<T>, next: (call: Call, value: T) => R | Promise<R>): Promise<R> {
    return new Promise((resolve, reject) => {
      const deadline: Deadline<Call> = { dueMs: performance.now() + this.timeoutMs, call, reject };
      this.#running.add(deadline);
      if (!this.#watching) this.#watch(this.timeoutMs);
      const failed = (error: Error): void =>
        this.#running.delete(deadline) ? reject(error) : this.listener.failedLate(call, error);
      const settled = (value: R): void => void (this.#running.delete(deadline) && resolve(value));
      const proceed = (value: T): void => {
        if (!this.#running.has(deadline)) return;
        try {
          const result = next(call, value);
          if (isThenable(result)) void result.then(settled, failed);
          else settled(result);
        } catch (error) {
          failed(error as Error);
        }
      };
      void outcome.then(proceed, failed);
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
      const error = new Error(`${this.work} exceeded HANDLER_TIMEOUT_MS, ${this.timeoutMs} ms`);
      this.listener.timedOut(deadline.call, error);
      deadline.reject(error);
    }
  }
}

function unchanged<T>(_: unknown, value: T): T {
  return value;
}
