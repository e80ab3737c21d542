/** A connection that lasted this long resets the back-off. */
const STEADY_MS = 5000;
/** Caps the exponent, because 2 to a larger power would overflow. */
const MAX_DOUBLINGS = 16;

/** Decides whether and when to reconnect: at the time the server asked for, or after a back-off with full jitter. */
export class ReconnectPolicy {
  #failures = 0;
  #connectedAt: number | undefined;
  #scheduledAt: number | undefined;

  constructor(
    private readonly minDelayMs: number,
    private readonly maxDelayMs: number,
  ) {}

  connected(): void {
    this.#connectedAt = Date.now();
  }

  /** Stores the time of a `sys.reconnect`. @param afterMs counted from now */
  scheduled(afterMs: number): void {
    this.#scheduledAt = Date.now() + afterMs;
  }

  /** Returns the wait after a close, in milliseconds; `undefined` if the client must stop. */
  delayMs(code: number): number | undefined {
    const [connectedAt, scheduledAt] = [this.#connectedAt, this.#scheduledAt];
    this.#connectedAt = this.#scheduledAt = undefined;
    if (!mayReconnect(code)) return undefined;
    if (scheduledAt !== undefined) return Math.max(0, scheduledAt - Date.now());
    if (connectedAt !== undefined && Date.now() - connectedAt > STEADY_MS) this.#failures = 0;
    const boundMs = Math.min(this.maxDelayMs, this.minDelayMs * 2 ** Math.min(this.#failures++, MAX_DOUBLINGS));
    return Math.random() * boundMs;
  }
}

/** Follows the table of close codes. Unlisted codes come from proxies and networks, so the client reconnects. */
export function mayReconnect(code: number): boolean {
  return !([1000, 1002, 1003, 1007, 1008, 1009].includes(code) || (code >= 4000 && code < 4100));
}
