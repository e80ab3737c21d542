export interface Token {
  readonly token: string;
  /** Milliseconds since 1970; where given, the token is renewed before it expires. */
  readonly expiresAt?: number;
}

type TokenValue = string | Token | undefined;

/** Returns the token for a connection; `undefined` connects without one. */
export type TokenSource = () => TokenValue | Promise<TokenValue>;

/** The part of a token's remaining lifetime after which it is renewed. */
const RENEW_AT = 0.75;
const MIN_WAIT_MS = 1000;
/** The longest delay that `setTimeout` accepts. */
const MAX_WAIT_MS = 2 ** 31 - 1;

/** Fetches a token for each connection and renews it before it expires. */
export class TokenRefresher {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #expiresAt: number | undefined;

  /** @param timeoutMs the longest wait for the source */
  constructor(
    private readonly source: TokenSource | undefined,
    private readonly timeoutMs: number,
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
    const { token, expiresAt } = typeof value === 'object' ? value : { token: value };
    this.#expiresAt = expiresAt;
    return token;
  }

  /** Starts renewing. @param renew sends a new token to the server; after a failure the old token stays in use */
  start(renew: (token: string) => Promise<unknown>): void {
    this.stop();
    if (this.#expiresAt === undefined) return;
    const waitMs = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, (this.#expiresAt - Date.now()) * RENEW_AT));
    const timer = setTimeout(() => {
      void this.fetch()
        .then((token) => (this.#timer === timer && token !== undefined ? renew(token) : undefined))
        .catch(() => undefined)
        .then(() => this.#timer === timer && this.start(renew));
    }, waitMs);
    this.#timer = timer;
  }

  /** Stops renewing at the end of a connection, because the next connection fetches a token of its own. */
  stop(): void {
    clearTimeout(this.#deadline); // would keep a Node process alive
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
