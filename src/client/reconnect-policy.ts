/** A connection that lasted this long was a success: the next wait begins small again. */
const STEADY_MS = 5000;
/** Beyond this the doubling changes nothing and would leave the numbers. */
const MAX_DOUBLINGS = 16;

/** Says when to come again: what the server asked for, or a wait with full jitter that doubles its bound. */
export class ReconnectPolicy {
  #failures = 0;
  #openedAt: number | undefined;
  #askedFor: number | undefined;

  constructor(
    private readonly minDelayMs: number,
    private readonly maxDelayMs: number,
  ) {}

  opened(): void {
    this.#openedAt = Date.now();
  }

  /** The server named a moment, counted from now. */
  asked(afterMs: number): void {
    this.#askedFor = Date.now() + afterMs;
  }

  /** How long to wait after this end; `undefined` where one should not come again. */
  delayMs(code: number): number | undefined {
    const [openedAt, askedFor] = [this.#openedAt, this.#askedFor];
    this.#openedAt = this.#askedFor = undefined;
    if (!mayReturn(code)) return undefined;
    if (askedFor !== undefined) return Math.max(0, askedFor - Date.now());
    if (openedAt !== undefined && Date.now() - openedAt > STEADY_MS) this.#failures = 0;
    const bound = Math.min(this.maxDelayMs, this.minDelayMs * 2 ** Math.min(this.#failures++, MAX_DOUBLINGS));
    return Math.random() * bound;
  }
}

/** The advice of the close-code table; codes that are not in it come from proxies and the network, which recover. */
export function mayReturn(code: number): boolean {
  return !([1000, 1002, 1003, 1007, 1008, 1009].includes(code) || (code >= 4000 && code < 4100));
}
