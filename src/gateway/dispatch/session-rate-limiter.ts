import type { Settings } from '../../settings/settings.js';
import type { Counters } from '../../telemetry/counters.js';
import { TokenBucket } from '../../limits/token-bucket.js';

const MESSAGE_BURST = 5;
const BYTE_BURST = 4;
const MINUTE_MS = 60_000;
/** What a client may do wrong out of ignorance. */
const FAULTS: ReadonlySet<string> = new Set(['malformed_json', 'invalid_message', 'reserved_type', 'unknown_type']);

const REFUSED = 'rate_limited';

type Limits = Pick<
  Settings,
  'messagesPerSecond' | 'bytesPerSecond' | 'faultsPerMinute' | 'refusalsPerMinute' | 'maxMessageBytes'
>;

/** How much one session may still say. A session has none where every such limit is off. */
export class SessionRateLimiter {
  readonly #messages: TokenBucket | undefined;
  readonly #bytes: TokenBucket | undefined;
  readonly #limits: Limits;
  #faults = 0;
  #refusals = 0;
  #minuteSinceMs: number;

  private constructor(
    limits: Limits,
    private readonly counters: Counters,
    nowMs: number,
  ) {
    const { messagesPerSecond, bytesPerSecond, maxMessageBytes } = limits;
    this.#limits = limits;
    this.#minuteSinceMs = nowMs;
    if (messagesPerSecond > 0)
      this.#messages = new TokenBucket(messagesPerSecond, messagesPerSecond * MESSAGE_BURST, nowMs);
    // The longest message that is allowed at all must go through some time.
    if (bytesPerSecond > 0)
      this.#bytes = new TokenBucket(bytesPerSecond, Math.max(bytesPerSecond * BYTE_BURST, maxMessageBytes), nowMs);
  }

  static of(limits: Limits, counters: Counters): SessionRateLimiter | undefined {
    const { messagesPerSecond, bytesPerSecond, faultsPerMinute, refusalsPerMinute } = limits;
    const any = messagesPerSecond + bytesPerSecond + faultsPerMinute + refusalsPerMinute > 0;
    return any ? new SessionRateLimiter(limits, counters, performance.now()) : undefined;
  }

  /** Whether a message of so many bytes may pass now. */
  has(bytes: number, nowMs: number): boolean {
    return (this.#messages?.has(1, nowMs) ?? true) && (this.#bytes?.has(bytes, nowMs) ?? true);
  }

  /** Takes a message that {@link has} let pass. */
  charge(bytes: number): void {
    this.#messages?.take(1);
    this.#bytes?.take(bytes);
  }

  /** Takes a message if it may pass now. */
  spend(bytes: number): boolean {
    const passes = this.has(bytes, performance.now());
    if (passes) this.charge(bytes);
    return passes;
  }

  /** Milliseconds until such a message may pass. */
  waitMs(bytes: number): number {
    return Math.max(this.#messages?.waitMs(1) ?? 1, this.#bytes?.waitMs(bytes) ?? 1);
  }

  /** Counts a ping or pong over the rate, which gets no answer; returns whether it was one too many within this minute. */
  recordControlFrame(): boolean {
    this.counters.rateLimitedControlFrames++;
    return this.recordError(REFUSED);
  }

  /** Counts an answer that was a `sys.error`; returns whether it was one too many within this minute. */
  recordError(code: string): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#minuteSinceMs >= MINUTE_MS) {
      this.#minuteSinceMs = nowMs;
      this.#faults = this.#refusals = 0;
    }
    const { faultsPerMinute, refusalsPerMinute } = this.#limits;
    if (FAULTS.has(code)) return ++this.#faults > faultsPerMinute && faultsPerMinute > 0;
    if (code === REFUSED) return ++this.#refusals > refusalsPerMinute && refusalsPerMinute > 0;
    return false;
  }
}
