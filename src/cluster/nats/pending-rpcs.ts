/** RPCs without a response at a time; the next one resolves with `undefined` at once. */
const MAX_PENDING = 1000;

/** RPCs of this node without a response. */
export class PendingRpcs {
  readonly #pending = new Map<number, (reply: unknown) => void>();
  #number = 0;

  constructor(private readonly timeoutMs: number) {}

  /** Resolves with the response, or with `undefined` where none comes in time. @param send sends the request of this number */
  async call(send: (number: number) => void): Promise<unknown> {
    if (this.#pending.size >= MAX_PENDING) return undefined;
    const number = ++this.#number;
    let timer: NodeJS.Timeout | undefined;
    const response = new Promise<unknown>((resolve) => {
      this.#pending.set(number, resolve);
      timer = setTimeout(() => resolve(undefined), this.timeoutMs);
    });
    send(number);
    try {
      return await response;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(number);
    }
  }

  settle(number: number, reply: unknown): void {
    this.#pending.get(number)?.(reply);
  }

  /** Resolves every pending RPC with `undefined`. */
  failAll(): void {
    for (const resolve of this.#pending.values()) resolve(undefined);
  }
}
