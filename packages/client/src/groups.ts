import type { SendOptions, WhoOptions } from './connect-options.js';
import type { Failures } from './failures.js';
import { MAX_PAGE, MAX_SESSIONS, RESTORE_RETRY_MS } from './limits.js';
import type { PendingRequests } from './pending-requests.js';
import type { AnswerListener } from './request.js';
import type { SendError } from './send-error.js';
import type { Ack, Envelope, ErrorData, SessionEntry, SessionPage } from './wire.js';

type EnterType = 'sys.join' | 'sys.watch';
type ExitType = 'sys.leave' | 'sys.unwatch';

/** Joins rooms and watches users, again in each new session, and lists sessions. Receivers are `#ROOM` and `@USER`. */
export class Groups {
  /**
   * The requests by receiver that the server has granted and not ended, in the order of its messages. The limits of the
   * server for one session bound the number.
   */
  readonly #granted = new Map<string, EnterType>();
  /** Receivers whose request failed in this session, and is repeated. */
  readonly #failed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly requests: PendingRequests,
    private readonly failures: Failures,
  ) {}

  /** Joins or watches, now and in each later session. Resolves to the `data` of the answer. @throws {SendError} */
  enter<Data>(type: EnterType, receiver: string, options?: SendOptions): Promise<Data> {
    return this.#ask(type, receiver, options, () => this.#granted.set(receiver, type));
  }

  /** Ends what {@link enter} began. @throws {SendError} */
  exit(type: ExitType, receiver: string, options?: SendOptions): Promise<Ack> {
    this.#granted.delete(receiver); // now, because the connection may be lost before the answer
    return this.#ask(type, receiver, options, () => this.#granted.delete(receiver));
  }

  /** Does not join or watch in later sessions, because the server has ended it. */
  ended(receiver: string): void {
    this.#granted.delete(receiver);
  }

  /** Joins and watches in a new session. The promises resolve with the answers, and never reject. */
  restore(): Promise<void>[] {
    const first = (fields: object, listener: AnswerListener): Promise<Envelope> =>
      this.requests.addFirst(fields, listener);
    return [...this.#granted.keys()].map((receiver) => this.#restore(receiver, first));
  }

  /** Ends the repetitions of a session. */
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
  #ask<Data>(type: string, receiver: string, options: SendOptions | undefined, succeeded: () => void): Promise<Data> {
    const ask = async (): Promise<Data> => {
      try {
        return (await this.requests.add({ type, receiver }, options, this.#listener(receiver, succeeded))).data as Data;
      } catch (error) {
        if ((error as SendError).code === 'unknown_outcome') return ask();
        throw error;
      }
    };
    return this.failures.reporting(type, ask(), receiver);
  }

  /** Reads the answer at once, because a `sys.left` of the server may follow. */
  #listener(receiver: string, succeeded?: () => void): AnswerListener {
    return {
      ended: ({ type, data }) => {
        if (type !== 'sys.error') succeeded?.();
        else if (!isTemporary((data as ErrorData).code)) this.#granted.delete(receiver);
      },
    };
  }

  async #restore(
    receiver: string,
    send: (fields: object, listener: AnswerListener) => Promise<Envelope>,
  ): Promise<void> {
    const type = this.#granted.get(receiver);
    if (!type) return; // ended before the repetition
    try {
      await send({ type, receiver }, this.#listener(receiver));
    } catch (error) {
      const { code } = error as SendError;
      if (!this.requests.hasSession || code === 'unknown_outcome') return; // the next session restores
      this.failures.report(error as SendError, type, receiver);
      if (this.#granted.has(receiver)) this.#repeat(receiver);
    }
  }

  #repeat(receiver: string): void {
    this.#failed.add(receiver);
    this.#timer ??= setTimeout(() => {
      const failed = [...this.#failed];
      this.stop();
      const add = (fields: object, listener: AnswerListener): Promise<Envelope> =>
        this.requests.add(fields, {}, listener);
      for (const each of failed) void this.#restore(each, add);
    }, RESTORE_RETRY_MS);
  }
}

/** Returns whether the same request may succeed later. */
function isTemporary(code: string): boolean {
  return /^(rate_limited|unavailable|internal_error)$/.test(code);
}
