import { Logger } from '@nestjs/common';
import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWTHeaderParameters,
} from 'jose';
import { TokenRefusal } from './token-refusal.js';

/** Age from which on the next use of keys requests them again. */
const FRESH_MS = 600_000;
/** Shortest time between a successful request and the next, because invalid tokens must not cause a request each. */
const COOLDOWN_MS = 30_000;
/**
 * The same after failures in a row. The first failure is retried at once, because one lost packet must lock no user
 * out.
 */
const FAILURE_COOLDOWN_MS = 5000;
/** A JWKS has a few keys of less than 1 KiB. */
const MAX_BYTES = 262_144;
const TIMEOUT_MS = 5000;

/** Finds the public key that a token names. */
export type KeyFinder = (header: JWTHeaderParameters, jws: FlattenedJWSInput) => Promise<CryptoKey>;

/**
 * Keys of a JWKS at a URL. While the source fails, the last keys stay in use for `AUTH_KEYS_MAX_AGE_MS`; keys in use
 * are refreshed in the background, so that a source that hangs delays no login. Requests, answers and the time of an
 * answer are bounded, because each token of a client may need one.
 */
export class RemoteKeys {
  readonly #logger = new Logger('Switchboard');
  #find: KeyFinder | undefined;
  /** The moment of the last successful request, on the monotonic clock. */
  #loadedAtMs = -Infinity;
  #failures = 0;
  /** The moment before which no further request is made. */
  #blockedUntilMs = -Infinity;
  #request: Promise<void> | undefined;

  constructor(
    private readonly url: string,
    private readonly maxAgeMs: number,
  ) {}

  /** Finds the key that a token names. Rejects where the keys have none, or where there are no usable keys. */
  find: KeyFinder = async (header, jws) => {
    if (this.#usable === undefined)
      void (await this.#refresh()); // `#usable` shows below whether it succeeded
    else if (this.#ageMs > FRESH_MS) void this.#refresh(); // these keys are good enough until it is done
    const find = this.#usable;
    if (find === undefined) throw new TokenRefusal('the keys of tokens cannot be loaded', true);
    try {
      return await find(header, jws);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !(await this.#refresh())) throw error;
      return this.#find!(header, jws);
    }
  };

  get #usable(): KeyFinder | undefined {
    return this.#ageMs > Math.max(FRESH_MS, this.maxAgeMs) ? undefined : this.#find;
  }

  get #ageMs(): number {
    return performance.now() - this.#loadedAtMs;
  }

  /** Requests the keys unless a request was made a short time ago; returns whether there are new ones. */
  async #refresh(): Promise<boolean> {
    if (this.#request === undefined) {
      if (performance.now() < this.#blockedUntilMs) return false;
      this.#request = this.#load().finally(() => (this.#request = undefined));
    }
    await this.#request;
    return this.#failures === 0;
  }

  async #load(): Promise<void> {
    try {
      this.#find = createLocalJWKSet(JSON.parse(await bodyOf(this.url)) as JSONWebKeySet);
      this.#failures = 0;
      this.#loadedAtMs = performance.now();
      this.#blockedUntilMs = this.#loadedAtMs + COOLDOWN_MS;
    } catch (error) {
      this.#blockedUntilMs = this.#failures++ === 0 ? -Infinity : performance.now() + FAILURE_COOLDOWN_MS;
      const keys = this.#find === undefined ? 'there are none' : `keeping those of ${Math.round(this.#ageMs)} ms ago`;
      this.#logger.warn(`cannot load JWKS, ${keys}: ${reasonOf(error)}`);
    }
  }
}

/** @throws {Error} for another status than 200, a redirection, a long body or a slow one */
async function bodyOf(url: string): Promise<string> {
  const headers = { Accept: 'application/json, application/jwk-set+json' };
  const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Ending the loop early cancels the body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`the answer is over ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (response.status !== 200) throw new Error(`the answer has status ${response.status}`);
  return Buffer.concat(chunks).toString();
}

/** `fetch` gives the reason as the cause of its error. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}, ${cause.message}` : message;
}
