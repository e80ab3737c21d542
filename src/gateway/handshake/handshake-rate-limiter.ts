import { TokenBucket } from '../../limits/token-bucket.js';

/** How many handshakes at once a second's worth is saved up to. */
const BURST = 4;
/** Addresses remembered; more of them at a time push out those that were quiet longest. */
const MAX_ADDRESSES = 65_536;

/**
 * Handshakes a second of each address. An address that was quiet until its bucket is full again is forgotten, oldest
 * first, two for each that comes, so that the map shrinks without a timer.
 */
export class HandshakeRateLimiter {
  /** In the order of their last handshake. */
  readonly #buckets = new Map<string, { readonly bucket: TokenBucket; lastMs: number }>();

  constructor(
    private readonly perSecond: number,
    private readonly maxAddresses = MAX_ADDRESSES,
  ) {}

  get size(): number {
    return this.#buckets.size;
  }

  /** Counts a handshake; returns the milliseconds to wait where it is one too many, 0 where it may go on. */
  take(address: string, nowMs: number): number {
    if (this.perSecond === 0) return 0;
    const known = this.#buckets.get(address);
    const entry = known ?? { bucket: new TokenBucket(this.perSecond, this.perSecond * BURST, nowMs), lastMs: nowMs };
    entry.lastMs = nowMs;
    if (known !== undefined) this.#buckets.delete(address);
    this.#buckets.set(address, entry);
    this.#forget(nowMs);
    if (!entry.bucket.has(1, nowMs)) return entry.bucket.waitMs(1);
    entry.bucket.take(1);
    return 0;
  }

  #forget(nowMs: number): void {
    let looks = 2;
    for (const [address, { lastMs }] of this.#buckets) {
      const full = nowMs - lastMs > BURST * 1000;
      if (looks-- === 0 || (!full && this.#buckets.size <= this.maxAddresses)) return;
      this.#buckets.delete(address);
    }
  }
}
