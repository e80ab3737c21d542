/** Questions open at a time; what comes beyond them is answered with nothing. */
const MAX_OPEN = 1000;

/** What other nodes were asked and have not answered yet. */
export class PendingRpcs {
  readonly #open = new Map<number, (reply: unknown) => void>();
  #number = 0;

  constructor(private readonly timeoutMs: number) {}

  /** Asks; resolves with nothing where no answer comes in time. @param say sends the question with its number */
  async call(say: (number: number) => void): Promise<unknown> {
    if (this.#open.size >= MAX_OPEN) return undefined;
    const number = ++this.#number;
    let timer: NodeJS.Timeout | undefined;
    const answered = new Promise<unknown>((resolve) => {
      this.#open.set(number, resolve);
      timer = setTimeout(() => resolve(undefined), this.timeoutMs);
    });
    say(number);
    try {
      return await answered;
    } finally {
      clearTimeout(timer);
      this.#open.delete(number);
    }
  }

  settle(number: number, reply: unknown): void {
    this.#open.get(number)?.(reply);
  }

  /** Nobody will answer any more. */
  failAll(): void {
    for (const resolve of this.#open.values()) resolve(undefined);
  }
}
