import { MAX_RENEW_MS, MAX_TIMER_MS, MIN_EXPIRES_AT, MIN_RENEW_MS, RENEW_AT } from './limits.js';
import { nowMs } from './monotonic.js';

export interface Token {
  readonly token: string;
  /** Milliseconds from now until the token expires; where given, the token is renewed before. Needs no right clock. */
  readonly expiresInMs?: number | null;
  /** The time at which the token expires, as a Date or in milliseconds since 1970, where `expiresInMs` is not given. */
  readonly expiresAt?: number | Date | null;
}

interface TokenFields extends Omit<Token, 'token'> {
  readonly token?: string | undefined;
}

type TokenValue = string | Token | null | undefined;

/** Returns the token for a connection; `undefined` and `null` connect without one. */
export type TokenSource = () => TokenValue | Promise<TokenValue>;

export interface TokenListener {
  /** Sends a new token to the server; rejects where the server refuses the token. */
  renew(token: string): Promise<unknown>;
  /** Called with each fault of what the token source returns. */
  refused(error: TypeError): void;
}

/** Fetches a token for each connection and renews it before it expires. */
export class TokenRefresher {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  /** By the monotonic clock, so that a step of the wall clock changes nothing; NaN where unknown. */
  #expiresAtMs = NaN;
  /** The token that was fetched last, and the one that was sent last to renew another. */
  #latest: string | undefined;
  #renewed: string | undefined;
  #shortWaits = 0;
  #warned = false;

  /** @param timeoutMs the longest wait for the source */
  constructor(
    private readonly source: TokenSource | undefined,
    private readonly timeoutMs: number,
    private readonly listener: TokenListener,
  ) {}

  /**
   * Calls the application's token source; resolves to `undefined` without a source or token. Rejects where the source
   * fails or takes too long. Never settles after `stop` where the source never does.
   */
  async fetch(): Promise<string | undefined> {
    const fetched = this.source?.();
    const expired = new Promise<never>((_, reject) => (this.#deadline = setTimeout(reject, this.timeoutMs)));
    const deadline = this.#deadline;
    const value = await Promise.race([fetched, expired]).finally(() => clearTimeout(deadline));
    const fields: TokenFields = typeof value === 'object' ? (value ?? {}) : { token: value };
    const token = fields.token ?? undefined;
    // Another deadline is that of a later attempt, whose token is in use.
    if (this.#deadline === deadline) {
      this.#expiresAtMs = nowMs() + this.#remainingMs(fields);
      this.#latest = token;
    }
    return token;
  }

  /** Starts renewing. Where a renewal fails, the old token stays in use, and the next attempt has a new token. */
  start(): void {
    this.stop();
    this.#renewAfter(this.#expiresAtMs - nowMs());
  }

  /** Stops renewing at the end of a connection, because the next connection fetches a token of its own. */
  stop(): void {
    clearTimeout(this.#deadline); // would keep a Node process alive
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Returns a message that is sent again, with the latest token where the message is a renewal. The server would else give the
   * session the rights of an older token than that of the connection.
   */
  updated(text: string): string {
    const old = renewalOf(this.#renewed);
    return this.#latest && text.startsWith(old) ? renewalOf(this.#latest) + text.slice(old.length) : text;
  }

  #renewAfter(remainingMs: number): void {
    if (Number.isNaN(remainingMs)) return;
    const dueMs = remainingMs * RENEW_AT;
    const isShort = dueMs < MIN_RENEW_MS;
    const waitMs = isShort ? Math.min(MAX_RENEW_MS, MIN_RENEW_MS * 2 ** this.#shortWaits++) : dueMs;
    if (!isShort) this.#shortWaits = 0;
    const timer = setTimeout(
      () =>
        void this.fetch()
          .then((token) => this.#timer === timer && token !== undefined && this.listener.renew((this.#renewed = token)))
          .then(
            () => this.#timer === timer && this.start(),
            () => this.#timer === timer && this.#renewAfter(0),
          ),
      Math.min(MAX_TIMER_MS, waitMs),
    );
    this.#timer = timer;
  }

  /** Returns NaN where the token has no expiry, or a wrong one, which is reported. */
  #remainingMs({ expiresInMs, expiresAt }: TokenFields): number {
    const atMs = typeof expiresAt === 'string' ? NaN : Number(expiresAt);
    const remainingMs = expiresInMs ?? (atMs > MIN_EXPIRES_AT ? atMs - Date.now() : NaN);
    if (Number.isFinite(remainingMs)) return remainingMs;
    if ((expiresInMs ?? expiresAt ?? undefined) !== undefined) {
      const error = new TypeError('expiresAt must be a Date or milliseconds since 1970, expiresInMs a number');
      if (!this.#warned) console.warn(error);
      this.#warned = true;
      this.listener.refused(error);
    }
    return NaN;
  }
}

/** Returns the beginning of the text of a renewal. No character of a token needs an escape in JSON. */
function renewalOf(token: string | undefined): string {
  return `{"type":"sys.auth","data":{"token":"${token}"`;
}
