/** How long handlers may run in one turn of the event loop before sockets and timers get theirs. */
const TURN_MS = 5;

/**
 * Divides handler calls over turns of the event loop. Calls that wait for nothing settle in microtasks: without a
 * limit, all calls of all sessions would run before the next byte is read. Sessions that wait for a turn get one call
 * each, in the order in which they began to wait.
 */
export class HandlerTurns {
  /** Monotonic time at which handlers first used this turn; `undefined` before. */
  #startMs: number | undefined;
  readonly #waiting: (() => void)[] = [];
  readonly #onTurn = (): void => {
    this.#startMs = undefined;
    this.#resume();
  };
  /** Lets one session go on. The next one follows in the same turn, after the microtasks that this causes. */
  readonly #resume = (): void => {
    if (this.#waiting.length === 0 || this.#isTimeUp()) return;
    this.#waiting.shift()!();
    queueMicrotask(() => process.nextTick(this.#resume));
  };

  /** Starts the time of this turn where no call has. Returns whether a session must wait before its next call. */
  mustYield(): boolean {
    return this.#isTimeUp() || this.#waiting.length > 0;
  }

  /** Resolves in a later turn. Only for a session that must wait. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #isTimeUp(): boolean {
    if (this.#startMs !== undefined) return performance.now() - this.#startMs >= TURN_MS;
    this.#startMs = performance.now();
    setImmediate(this.#onTurn);
    return false;
  }
}
