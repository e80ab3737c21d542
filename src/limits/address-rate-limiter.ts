import { TokenBucket } from './token-bucket.js';

/** Burst, in seconds of the configured rate. */
const BURST_SECONDS = 4;
/** Bound on remembered addresses. The address that was idle longest is forgotten first. */
const MAX_ADDRESSES = 65_536;
/** Entries that may be forgotten with each event: more than one, so that the map shrinks without a timer. */
const FORGET_AT_ONCE = 2;

/**
 * Limits events, such as handshakes or HTTP requests, per second and address. Forgets an address once its bucket is
 * full again.
 */
export class AddressRateLimiter {
  /** In the order of their last event, the oldest first. */
  readonly #buckets = new Map<string, { readonly bucket: TokenBucket; lastMs: number }>();

  constructor(
    private readonly perSecond: number,
    private readonly maxAddresses = MAX_ADDRESSES,
  ) {}

  get size(): number {
    return this.#buckets.size;
  }

  /** Counts an event; returns 0 where it is allowed, otherwise the milliseconds until the next one is. */
  take(address: string, nowMs: number): number {
    if (this.perSecond === 0) return 0;
    const known = this.#buckets.get(address);
    const entry = known ?? {
      bucket: new TokenBucket(this.perSecond, this.perSecond * BURST_SECONDS, nowMs),
      lastMs: nowMs,
    };
    entry.lastMs = nowMs;
    if (known !== undefined) this.#buckets.delete(address);
    this.#buckets.set(address, entry);
    this.#forget(nowMs);
    return entry.bucket.tryTake(1, nowMs) ? 0 : entry.bucket.waitMs(1);
  }

  #forget(nowMs: number): void {
    let remaining = FORGET_AT_ONCE;
    for (const [address, { lastMs }] of this.#buckets) {
      const full = nowMs - lastMs > BURST_SECONDS * 1000;
      if (remaining-- === 0 || (!full && this.#buckets.size <= this.maxAddresses)) return;
      this.#buckets.delete(address);
    }
  }
}
