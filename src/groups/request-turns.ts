import { MAX_WAITING_CALLS, MessageError } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';

/** `retryAfterMs` of the error that a full queue answers. */
const RETRY_AFTER_MS = 1000;

/** The requests of one session, while one of them is pending. */
interface Queue {
  /** Pending requests, the first of which runs. */
  count: number;
  /** Resolves when the last one has ended. */
  last: Promise<void>;
}

/**
 * Runs the requests of a session one after another, although some of them wait for a permission. A request that waits for
 * nothing runs at once. Only sessions with pending requests take memory.
 */
export class RequestTurns {
  readonly #queues = new Map<Session, Queue>();

  /**
   * Runs a request once those before it have ended. Drops the request where the session has ended by then.
   *
   * @param ref the `id` of the request
   * @param run returns a promise where the request is pending
   * @returns a promise, which rejects as that of `run`, or as `run` throws, where the request is pending
   * @throws {MessageError} `rate_limited` where too many requests are pending
   */
  run(session: Session, ref: string | undefined, run: () => Promise<void> | undefined): Promise<void> | undefined {
    const queue = this.#queues.get(session);
    if (queue === undefined) {
      const running = run();
      return running === undefined ? undefined : this.#await(session, { count: 0, last: running }, running);
    }
    if (queue.count >= MAX_WAITING_CALLS) throw MessageError.of('rate_limited', ref, { retryAfterMs: RETRY_AFTER_MS });
    return this.#await(
      session,
      queue,
      queue.last.then(() => (session.closed ? undefined : run())),
    );
  }

  #await(session: Session, queue: Queue, running: Promise<void>): Promise<void> {
    queue.count++;
    this.#queues.set(session, queue);
    const ended = (): void => {
      if (--queue.count === 0) this.#queues.delete(session);
    };
    queue.last = running.then(ended, ended);
    return running;
  }
}
