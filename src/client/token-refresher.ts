/** A token, and when it ends if it should be renewed while connected. */
export interface Token {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number;
}

export type TokenSource = () => string | Token | Promise<string | Token>;

/** The part of a token's time after which a new one is shown. */
const RENEW_AT = 0.75;
const MIN_WAIT_MS = 1000;
/** The longest that a timer can count. */
const MAX_WAIT_MS = 2 ** 31 - 1;

/** Gets a token for each connection and shows a new one before it ends. */
export class TokenRefresher {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #expiresAt: number | undefined;

  constructor(private readonly source: TokenSource | undefined) {}

  /** Asks the application for a token; `undefined` where it has none to give. */
  async fetch(): Promise<string | undefined> {
    const given = await this.source?.();
    const { token, expiresAt } = typeof given === 'object' ? given : { token: given };
    this.#expiresAt = expiresAt;
    return token;
  }

  /** @param show says a new token to the server; a failure leaves it to the next connection */
  watch(show: (token: string) => Promise<unknown>): void {
    this.rest();
    if (this.#expiresAt === undefined) return;
    const waitMs = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, (this.#expiresAt - Date.now()) * RENEW_AT));
    const timer = setTimeout(() => {
      void this.fetch()
        .then((token) => (this.#timer === timer && token !== undefined ? show(token) : undefined))
        .catch(() => undefined)
        .then(() => this.#timer === timer && this.watch(show));
    }, waitMs);
    this.#timer = timer;
  }

  /** The connection is gone: the next one has a token of its own. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
