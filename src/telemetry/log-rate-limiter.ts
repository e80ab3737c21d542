export const WINDOW_MS = 10_000;
/** Kinds that are told apart in one window; what comes beyond them shares one. */
const MAX_KINDS = 200;
const OTHERS = 'lines of other kinds';

/** What was held back of one kind, told when the window ends. */
export type Summary = (kind: string, held: number) => void;

/** Sums up what comes too often, so that no client can fill the disk: so many lines of a kind in 10 s, then "and 1,204 more". */
export class LogRateLimiter {
  #counts = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly linesPerWindow: number,
    private readonly summary: Summary,
  ) {}

  /** Tells whether a line of this kind may be written now. */
  allows(kind: string): boolean {
    this.#timer ??= setTimeout(() => this.turn(), WINDOW_MS).unref();
    const known = this.#counts.has(kind) || this.#counts.size < MAX_KINDS ? kind : OTHERS;
    const count = (this.#counts.get(known) ?? 0) + 1;
    this.#counts.set(known, count);
    return count <= this.linesPerWindow;
  }

  /** Ends the window: tells what was held back and begins anew. Also called when the log ends. */
  turn(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counts = this.#counts;
    this.#counts = new Map();
    for (const [kind, count] of counts)
      if (count > this.linesPerWindow) this.summary(kind, count - this.linesPerWindow);
  }
}
