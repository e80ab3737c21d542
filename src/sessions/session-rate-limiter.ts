import type { Settings } from '../settings/settings.js';
import type { Counters } from '../telemetry/counters.js';
import { TokenBucket } from '../limits/token-bucket.js';

const MESSAGE_BURST_SECONDS = 5;
const BYTE_BURST_SECONDS = 4;
const RECEIVER_BURST_SECONDS = 1;
const MINUTE_MS = 60_000;
/** Codes that count towards `FAULTS_PER_MINUTE`: errors of a client that does not know the protocol. */
const FAULT_CODES: ReadonlySet<string> = new Set([
  'malformed_json',
  'invalid_message',
  'reserved_type',
  'unknown_type',
]);
/** The code that counts towards `REFUSALS_PER_MINUTE`. */
const RATE_LIMITED = 'rate_limited';

type Limits = Pick<
  Settings,
  | 'messagesPerSecond'
  | 'bytesPerSecond'
  | 'broadcastReceiversPerSecond'
  | 'faultsPerMinute'
  | 'refusalsPerMinute'
  | 'maxMessageBytes'
>;

/**
 * Limits messages, bytes, receivers of broadcasts and errors of one session. A session has no limiter where all of
 * these limits are off.
 */
export class SessionRateLimiter {
  readonly #messages: TokenBucket | undefined;
  readonly #bytes: TokenBucket | undefined;
  readonly #receivers: TokenBucket | undefined;
  readonly #limits: Limits;
  #faults = 0;
  #refusals = 0;
  #minuteSinceMs: number;

  private constructor(
    limits: Limits,
    private readonly counters: Counters,
    nowMs: number,
  ) {
    const { messagesPerSecond, bytesPerSecond, broadcastReceiversPerSecond, maxMessageBytes } = limits;
    this.#limits = limits;
    this.#minuteSinceMs = nowMs;
    if (messagesPerSecond > 0)
      this.#messages = new TokenBucket(messagesPerSecond, messagesPerSecond * MESSAGE_BURST_SECONDS, nowMs);
    // At least one message of MAX_MESSAGE_BYTES must fit.
    if (bytesPerSecond > 0)
      this.#bytes = new TokenBucket(
        bytesPerSecond,
        Math.max(bytesPerSecond * BYTE_BURST_SECONDS, maxMessageBytes),
        nowMs,
      );
    if (broadcastReceiversPerSecond > 0)
      this.#receivers = new TokenBucket(
        broadcastReceiversPerSecond,
        broadcastReceiversPerSecond * RECEIVER_BURST_SECONDS,
        nowMs,
      );
  }

  static of(limits: Limits, counters: Counters): SessionRateLimiter | undefined {
    const { messagesPerSecond, bytesPerSecond, broadcastReceiversPerSecond } = limits;
    const rates = messagesPerSecond + bytesPerSecond + broadcastReceiversPerSecond;
    const isLimited = rates + limits.faultsPerMinute + limits.refusalsPerMinute > 0;
    return isLimited ? new SessionRateLimiter(limits, counters, performance.now()) : undefined;
  }

  /** Returns whether a message of so many bytes is within the limits. */
  has(bytes: number, nowMs: number): boolean {
    return (this.#messages?.has(1, nowMs) ?? true) && (this.#bytes?.has(bytes, nowMs) ?? true);
  }

  /** Charges a message for which {@link has} returned `true`. */
  charge(bytes: number): void {
    this.#messages?.take(1);
    this.#bytes?.take(bytes);
  }

  /** Charges a message if it is within the limits; returns whether it is. */
  tryTake(bytes: number): boolean {
    const allowed = this.has(bytes, performance.now());
    if (allowed) this.charge(bytes);
    return allowed;
  }

  /**
   * Charges an answer that has been sent. Its length is known only then, so that the next messages pay for it: they are
   * over the limit until the rate has made up for the answer.
   */
  chargeAnswer(bytes: number): void {
    this.#bytes?.take(bytes);
  }

  /**
   * Charges a broadcast while receivers are left. Returns 0, or the milliseconds to wait where none is left and nothing
   * was charged. A broadcast may have more receivers than are left; the next ones wait until the rate has made up for
   * it.
   */
  chargeBroadcast(receivers: number): number {
    if (this.#receivers === undefined) return 0;
    if (!this.#receivers.has(1, performance.now())) return this.#receivers.waitMs(1);
    this.#receivers.take(receivers);
    return 0;
  }

  /** Milliseconds until a message of so many bytes is within the limits. */
  waitMs(bytes: number): number {
    return Math.max(this.#messages?.waitMs(1) ?? 1, this.#bytes?.waitMs(bytes) ?? 1);
  }

  /** Counts a ping or pong over the rate, which gets no `sys.error`; returns the same as {@link recordError}. */
  recordControlFrame(): boolean {
    this.counters.rateLimitedControlFrames++;
    return this.recordError(RATE_LIMITED);
  }

  /** Counts a `sys.error` that was sent; returns whether the session has exceeded its errors per minute. */
  recordError(code: string): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#minuteSinceMs >= MINUTE_MS) {
      this.#minuteSinceMs = nowMs;
      this.#faults = this.#refusals = 0;
    }
    const { faultsPerMinute, refusalsPerMinute } = this.#limits;
    if (FAULT_CODES.has(code)) return ++this.#faults > faultsPerMinute && faultsPerMinute > 0;
    if (code === RATE_LIMITED) return ++this.#refusals > refusalsPerMinute && refusalsPerMinute > 0;
    return false;
  }
}
