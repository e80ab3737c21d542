import { STEADY_MS } from './limits.js';
import { nowMs } from './monotonic.js';

/** Decides whether and when to reconnect: at the time the server asked for, or after a back-off with full jitter. */
export class ReconnectPolicy {
  /** Whether the server asked for the last wait, so that no event of a page may end it. Written by this class alone. */
  isAsked = false;
  #failures = 0;
  /** NaN where there was no connection since the last close. */
  #connectedAt = NaN;
  /** NaN where the server gave no time. */
  #scheduledAt = NaN;

  constructor(
    private readonly minDelayMs: number,
    private readonly maxDelayMs: number,
  ) {}

  connected(): void {
    this.#connectedAt = nowMs();
    this.#scheduledAt = NaN; // was of an earlier connection
  }

  /** Stores the time of a `sys.reconnect`. @param afterMs counted from now */
  scheduled(afterMs: number): void {
    this.#scheduledAt = nowMs() + afterMs;
  }

  /** Begins the back-off anew, unless the server asked for the last wait. */
  reset(): void {
    if (!this.isAsked) this.#failures = 0;
  }

  /** Returns the wait after a close, in milliseconds; `undefined` if the client must stop. */
  delayMs(code: number): number | undefined {
    const [connectedMs, scheduledMs] = [nowMs() - this.#connectedAt, this.#scheduledAt - nowMs()];
    this.#connectedAt = this.#scheduledAt = NaN;
    if (!mayReconnect(code)) return undefined;
    this.isAsked = scheduledMs > 0 || /^101|410[034]/.test(`${code}`); // 4101 and 4102 are of a phone that has slept
    if (!Number.isNaN(scheduledMs)) return Math.max(0, scheduledMs);
    if (connectedMs > STEADY_MS) this.#failures = 0;
    return Math.random() * Math.min(this.maxDelayMs, this.minDelayMs * 2 ** this.#failures++);
  }
}

/**
 * Follows the table of close codes. Unlisted codes come from proxies and networks, so the client reconnects. So does 1000,
 * because the server closes with 1000 only in answer to a client that closes.
 */
export function mayReconnect(code: number): boolean {
  return !/^(100[23789]|40..)$/.test(`${code}`);
}
