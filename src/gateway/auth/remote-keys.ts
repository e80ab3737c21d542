import { TokenBucket } from '../../limits/token-bucket.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';
import { requestJwks, reasonOf, REQUEST_TIMEOUT_MS } from './key-request.js';
import { KeyList } from './key-list.js';
import type { KeySource } from './key-source.js';
import { TokenRefusal } from './token-refusal.js';

/** Time from a successful request to the next. */
const REFRESH_MS = 600_000;
/** The least age at which keys expire: a refresh has begun by then, and has ended or failed. */
const LEAST_MAX_AGE_MS = REFRESH_MS + 2 * REQUEST_TIMEOUT_MS;
/** The shortest and the longest time from a failed request to the next; it doubles with each failure. */
const MIN_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;
/** Requests that tokens may cause, because invalid tokens must not cause one each: two at once, then one in 10 s. */
const EXTRA_REQUESTS = 2;
const EXTRA_REQUESTS_PER_SECOND = 0.1;

/**
 * Keys of a JWKS at a URL, requested at the start and every ten minutes. While the URL fails, the last keys stay in use for
 * `AUTH_KEYS_MAX_AGE_MS`. A token with an unknown key causes one more request, within a rate.
 */
export class RemoteKeys implements KeySource {
  readonly #extra = new TokenBucket(EXTRA_REQUESTS_PER_SECOND, EXTRA_REQUESTS, performance.now());
  readonly #stopped = new AbortController();
  #keys: KeyList | undefined;
  /** The moment of the last successful request, on the monotonic clock. */
  #loadedAtMs = -Infinity;
  /** Failed requests since the last successful one. */
  #failures = 0;
  #nextAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #request: Promise<void> | undefined;
  #lastWarning: string | undefined;

  /** @param maxAgeMs `AUTH_KEYS_MAX_AGE_MS`; at least the time until the next request has ended */
  constructor(
    private readonly url: string,
    private readonly maxAgeMs: number,
    private readonly counters: Counters,
    private readonly log: Log,
  ) {}

  /** Requests the keys now, and from now on at its intervals. */
  start(): void {
    void this.#load();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort();
  }

  /** The keys, unless there are none or they are too old. */
  get usable(): KeyList | undefined {
    return this.ageMs > Math.max(LEAST_MAX_AGE_MS, this.maxAgeMs) ? undefined : this.#keys;
  }

  /** Milliseconds since the keys were loaded. */
  get ageMs(): number {
    return performance.now() - this.#loadedAtMs;
  }

  get retryAfterMs(): number | undefined {
    return this.#failures === 0 ? undefined : Math.max(MIN_RETRY_MS, this.#nextAtMs - performance.now());
  }

  async current(): Promise<KeyList> {
    return this.usable ?? this.newest();
  }

  async newest(): Promise<KeyList> {
    await (this.#request ?? (this.#extra.tryTake(1, performance.now()) ? this.#load() : undefined));
    const keys = this.usable;
    if (keys === undefined)
      throw new TokenRefusal('the keys of tokens cannot be loaded', this.retryAfterMs ?? MIN_RETRY_MS);
    return keys;
  }

  /** Requests the keys, and plans the next request. Several callers share one request. */
  #load(): Promise<void> {
    clearTimeout(this.#timer);
    return (this.#request ??= this.#requestKeys().finally(() => {
      this.#request = undefined;
      if (this.#stopped.signal.aborted) return;
      const delayMs = this.#failures === 0 ? REFRESH_MS : retryMs(this.#failures);
      this.#nextAtMs = performance.now() + delayMs;
      this.#timer = setTimeout(() => void this.#load(), delayMs).unref();
    }));
  }

  async #requestKeys(): Promise<void> {
    try {
      this.#keys = KeyList.parse(await requestJwks(this.url, this.#stopped.signal));
      this.#succeed();
    } catch (error) {
      if (!this.#stopped.signal.aborted) this.#fail(error);
    }
  }

  #succeed(): void {
    if (this.#failures > 0) this.log.warn('JWKS loaded again', { failedRequests: this.#failures });
    this.#failures = 0;
    this.#lastWarning = undefined;
    this.#loadedAtMs = performance.now();
    this.counters.keysLoadedAtMs = this.#loadedAtMs;
    this.counters.count(this.counters.keyRequests, 'loaded');
  }

  /** Logs once that the last keys are kept, and once that they are missing or too old. */
  #fail(error: unknown): void {
    this.#failures++;
    this.counters.count(this.counters.keyRequests, 'failed');
    const warning =
      this.usable === undefined
        ? 'cannot load JWKS, tokens are answered unavailable'
        : 'cannot load JWKS, keeping the last keys';
    if (warning !== this.#lastWarning) this.log.warn(warning, { reason: reasonOf(error) });
    this.#lastWarning = warning;
  }
}

/** Returns the time to the next request, half of it random, so that nodes do not make their requests at one moment. */
function retryMs(failures: number): number {
  return Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
}
