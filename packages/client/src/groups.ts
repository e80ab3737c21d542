import type { SendOptions, WhoOptions } from './connect-options.js';
import type { Failures } from './failures.js';
import { MAX_PAGE, MAX_SESSIONS, RESTORE_RETRY_MS } from './limits.js';
import type { AnswerListener, PendingRequests } from './pending-requests.js';
import type { SendError } from './send-error.js';
import type { Ack, Envelope, ErrorData, SessionEntry, SessionPage } from './wire.js';

type EnterType = 'sys.join' | 'sys.watch';
type ExitType = 'sys.leave' | 'sys.unwatch';

/** Joins rooms and watches users, again on each connection, and lists sessions. Receivers are `#ROOM` and `@USER`. */
export class Groups {
  /**
   * The requests by receiver that the server has granted and not ended, in the order of its answers. The limits of the
   * server for one session bound the number.
   */
  readonly #granted = new Map<string, EnterType>();
  /** Receivers whose request failed on this connection, and is repeated. */
  readonly #failed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly requests: PendingRequests,
    private readonly failures: Failures,
  ) {}

  /** Joins or watches, now and on each later connection. Resolves to the `data` of the answer. @throws {SendError} */
  enter<Data>(type: EnterType, receiver: string, options?: SendOptions): Promise<Data> {
    return this.#settled(type, receiver, options, () => this.#granted.set(receiver, type));
  }

  /** Ends what {@link enter} began. @throws {SendError} */
  exit(type: ExitType, receiver: string, options?: SendOptions): Promise<Ack> {
    this.#granted.delete(receiver); // also where the connection is lost before the answer
    return this.#settled(type, receiver, options, () => this.#granted.delete(receiver));
  }

  /** Does not join or watch on later connections, because the server has ended it. */
  ended(receiver: string): void {
    this.#granted.delete(receiver);
  }

  /** Joins and watches on a new connection. Rooms are first, because queued messages may be for them. */
  restore(): void {
    for (const receiver of [...this.#granted.keys()].sort()) this.#restore(receiver); // `#` is before `@`
  }

  /** Ends the repetitions of a connection. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#failed.clear();
  }

  /** Lists all sessions, or those of a receiver, page by page. @throws {SendError} */
  async list({ limit = MAX_SESSIONS, ...options }: WhoOptions, receiver?: string): Promise<SessionEntry[]> {
    const sessions: SessionEntry[] = [];
    let after: string | undefined;
    do {
      const data = { after, limit: Math.min(MAX_PAGE, limit - sessions.length) };
      const page = (await this.requests.add({ type: 'sys.who', receiver, data }, options)).data as SessionPage;
      sessions.push(...page.sessions);
      after = page.next;
    } while (after !== undefined && sessions.length < limit);
    return sessions;
  }

  /** Sends a request until it is answered: unlike a message, it has the same effect where it arrives twice. */
  #settled<Data>(
    type: string,
    receiver: string,
    options: SendOptions | undefined,
    succeeded: () => void,
  ): Promise<Data> {
    const send = (): Promise<Data> =>
      this.#request<Data>(type, receiver, options, succeeded).catch((error: SendError) => {
        if (error.code !== 'unknown_outcome') throw error;
        return send();
      });
    return this.failures.reporting(type, send(), receiver);
  }

  async #request<Data>(
    type: string,
    receiver: string,
    options: SendOptions | undefined,
    succeeded: () => void,
  ): Promise<Data> {
    const listener: AnswerListener = {
      ended: ({ type: answer, data }: Envelope) => {
        if (answer !== 'sys.error') succeeded();
        else if (!isTemporary((data as ErrorData).code)) this.#granted.delete(receiver);
      },
    };
    return (await this.requests.add({ type, receiver }, options, listener)).data as Data;
  }

  #restore(receiver: string): void {
    const type = this.#granted.get(receiver);
    if (!type) return;
    this.#request(type, receiver, undefined, () => undefined).catch((error: SendError) => {
      if (!this.requests.isOpen) return; // the next connection restores
      this.failures.report(error, type, receiver);
      if (!this.#granted.has(receiver)) return;
      this.#failed.add(receiver);
      this.#timer ??= setTimeout(() => {
        const failed = [...this.#failed];
        this.stop();
        for (const each of failed) this.#restore(each);
      }, RESTORE_RETRY_MS);
    });
  }
}

/** Returns whether the same request may succeed later. */
function isTemporary(code: string): boolean {
  return /^(rate_limited|unavailable|internal_error)$/.test(code);
}
