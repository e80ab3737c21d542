export const WINDOW_MS = 10_000;
/** Kinds counted separately in one window; lines of further kinds are counted as {@link OTHER_KINDS}. */
const MAX_KINDS = 200;
const OTHER_KINDS = 'lines of other kinds';

/** Reports how many lines of a kind were dropped in a window. */
export type ReportDropped = (kind: string, dropped: number) => void;

/**
 * Limits the lines of each kind in a window of 10 s and reports the number of dropped lines when the window ends.
 * Without the limit a client could fill the disk.
 */
export class LogRateLimiter {
  #counts = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly linesPerWindow: number,
    private readonly reportDropped: ReportDropped,
  ) {}

  /** Counts a line and returns whether the line may be written. */
  allows(kind: string): boolean {
    this.#timer ??= setTimeout(() => this.endWindow(), WINDOW_MS).unref();
    const countedKind = this.#counts.has(kind) || this.#counts.size < MAX_KINDS ? kind : OTHER_KINDS;
    const count = (this.#counts.get(countedKind) ?? 0) + 1;
    this.#counts.set(countedKind, count);
    return count <= this.linesPerWindow;
  }

  /** Ends the window early and reports its dropped lines; the next line starts another window. */
  endWindow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counts = this.#counts;
    this.#counts = new Map();
    for (const [kind, count] of counts)
      if (count > this.linesPerWindow) this.reportDropped(kind, count - this.linesPerWindow);
  }
}
