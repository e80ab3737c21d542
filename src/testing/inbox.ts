/** An envelope as a client receives it. */
export interface Received<Data = unknown> {
  readonly type: string;
  /** A session id, or `server`. */
  readonly sender: string;
  /** The session id of the client, or `*`. */
  readonly receiver: string;
  /** In answers: the `id` of the message that is answered. */
  readonly ref?: string;
  readonly id?: string;
  readonly data: Data;
}

interface Waiter {
  readonly fits: (envelope: Received) => boolean;
  readonly resolve: (envelope: Received) => void;
  readonly reject: (reason: string) => void;
}

/** Messages that no test has taken; one more ends the inbox. */
const MAX_MESSAGES = 100_000;
/** Messages that an error lists, the latest ones. */
const LISTED = 10;
const MAX_SHOWN_CHARACTERS = 120;

/** Keeps messages until a test takes them, and lets a test wait for one. */
export class Inbox {
  /** Messages that were received and not taken, in order. */
  readonly messages: Received[] = [];
  readonly #waiters = new Set<Waiter>();
  #end: string | undefined;

  /** Adds a message. @returns whether there was room for it */
  add(envelope: Received): boolean {
    for (const waiter of this.#waiters) {
      if (!waiter.fits(envelope)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(envelope);
      return true;
    }
    if (this.messages.length >= MAX_MESSAGES) return false;
    this.messages.push(envelope);
    return true;
  }

  /**
   * Takes the first message that fits, or waits for it.
   *
   * @param what the message, for the error
   * @throws {Error} that lists the messages which arrived instead, after `timeoutMs` or at the end of the inbox
   */
  async take(fits: (envelope: Received) => boolean, what: string, timeoutMs: number): Promise<Received> {
    const index = this.messages.findIndex(fits);
    if (index !== -1) return this.messages.splice(index, 1)[0]!;
    const error = new Error(); // made before the wait, because its stack must show the line of the test
    if (this.#end !== undefined) throw this.#explained(error, `${this.#end} before ${what} arrived`);
    return new Promise((resolve, reject) => {
      const timer = limit(timeoutMs, () => {
        this.#waiters.delete(waiter);
        reject(this.#explained(error, `${what} did not arrive within ${timeoutMs} ms`));
      });
      const waiter: Waiter = {
        fits,
        resolve: (envelope) => {
          clearTimeout(timer);
          resolve(envelope);
        },
        reject: (reason) => {
          clearTimeout(timer);
          reject(this.#explained(error, `${reason} while waiting for ${what}`));
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Rejects all waits, also later ones. @param reason such as `closed with 4000 kicked` */
  end(reason: string): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.reject(reason);
  }

  #explained(error: Error, text: string): Error {
    error.message = `${text}; ${this.#listed()}`;
    return error;
  }

  #listed(): string {
    const { length } = this.messages;
    if (length === 0) return 'no other message is in the inbox';
    const lines = this.messages.slice(-LISTED).map((envelope) => `\n  ${shown(envelope)}`);
    return `in the inbox instead${length > LISTED ? `, the last ${LISTED} of ${length}` : ''}:${lines.join('')}`;
  }
}

/** Starts a timer; none for a limit that is not finite. */
export function limit(timeoutMs: number, passed: () => void): NodeJS.Timeout | undefined {
  return Number.isFinite(timeoutMs) ? setTimeout(passed, timeoutMs) : undefined;
}

function shown(envelope: Received): string {
  const text = JSON.stringify(envelope);
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}
