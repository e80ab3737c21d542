/** How long handlers may run in one turn of the event loop before sockets and timers get theirs. */
const TURN_MS = 5;

/** Waits for a turn: the handler queue of a session, or a generator. */
export interface TurnTaker {
  /** Goes on in the turn. Returns whether all calls of the turn are done. */
  takeTurn(): boolean;
}

/**
 * Divides handler calls over turns of the event loop. Calls that wait for nothing settle in microtasks: without a
 * limit, all calls of all sessions would run before the next byte is read. Sessions that wait for a turn get one call
 * each, in the order in which they began to wait.
 */
export class HandlerTurns {
  /** Monotonic time at which handlers first used this turn; `undefined` before. */
  #startMs: number | undefined;
  readonly #waiting: TurnTaker[] = [];
  readonly #onTurn = (): void => {
    this.#startMs = undefined;
    this.#resume();
  };
  /** Lets sessions go on, one after the other. The next one follows after the microtasks that this causes. */
  readonly #resume = (): void => {
    while (this.#waiting.length > 0 && !this.#isTimeUp()) {
      if (this.#waiting.shift()!.takeTurn()) continue;
      queueMicrotask(() => process.nextTick(this.#resume));
      return;
    }
  };

  /** Starts the time of this turn where no call has. Returns whether a session must wait before its next call. */
  mustYield(): boolean {
    return this.#isTimeUp() || this.#waiting.length > 0;
  }

  /** Calls back in a later turn. Only for a session that must wait. */
  wait(taker: TurnTaker): void {
    this.#waiting.push(taker);
  }

  /** Resolves in a later turn. Only for a session that must wait. */
  next(): Promise<void> {
    return new Promise((resolve) => this.wait({ takeTurn: () => (resolve(), false) }));
  }

  #isTimeUp(): boolean {
    if (this.#startMs !== undefined) return performance.now() - this.#startMs >= TURN_MS;
    this.#startMs = performance.now();
    setImmediate(this.#onTurn);
    return false;
  }
}
