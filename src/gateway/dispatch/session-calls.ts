import type { SessionWork } from '../../sessions/session-work.js';
import type { Session } from '../../sessions/session.js';
import type { HandlerQueue } from './handler-queue.js';

/** The calls of one session that have not ended: handled messages, and system requests whose answers take a time. */
export class SessionCalls implements SessionWork {
  /** Written by `HandlerRunner` with the first handled message. */
  queue: HandlerQueue | undefined;
  /** Functions that answer the pending system requests with `unavailable`. Written by {@link addRequest}. */
  #requests: Set<() => void> | undefined;

  /** Returns the calls of a session, which begin with the first call. */
  static of(session: Session): SessionCalls {
    return (session.work ??= new SessionCalls()) as SessionCalls;
  }

  /**
   * Keeps a system request until it is answered.
   *
   * @param answered never rejects
   * @param abandon answers the request, because the process ends before that
   */
  addRequest(answered: Promise<void>, abandon: () => void): void {
    const requests = (this.#requests ??= new Set());
    requests.add(abandon);
    void answered.then(() => requests.delete(abandon));
  }

  /** Drops the handled messages. A pending system request has no effect and no answer once its session has ended. */
  drop(): void {
    this.queue?.drop();
  }

  abandon(): void {
    this.queue?.abandon();
    for (const abandon of this.#requests ?? []) abandon();
    this.#requests?.clear();
  }
}
