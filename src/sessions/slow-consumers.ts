import { Injectable } from '@nestjs/common';
import { Settings } from '../settings/settings.js';
import type { Session } from './session.js';

/** How many times those over their mark are looked at during the time they are given. */
const LOOKS_PER_PERIOD = 10;

/**
 * The one place that decides about sessions that do not read what they are sent: over the mark they are not read from
 * either; over it for too long they are closed with 4100; past the memory budget the heaviest goes first, with 1013.
 */
@Injectable()
export class SlowConsumers {
  /** Bytes that may wait for one session before messages to it are refused. */
  readonly highWaterBytes: number;
  readonly #periodMs: number;
  readonly #budgetBytes: number;
  /** Sessions whose socket is full, with the bytes that wait for each. */
  readonly #waiting = new Map<Session, number>();
  /** Those over their mark, and since when on the monotonic clock. */
  readonly #overSinceMs = new Map<Session, number>();
  #totalBytes = 0;
  #mostBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #shedding = false;
  /**
   * Sheds until the rest fits the budget. Never from within {@link report}: an outbox is at work then, and the departures
   * would be put into the middle of what it is doing.
   */
  readonly #shed = (): void => {
    this.#shedding = false;
    while (this.#isOverBudget) this.#shedHeaviest();
  };

  constructor(settings: Settings) {
    this.highWaterBytes = settings.outboxHighWaterBytes;
    this.#periodMs = settings.slowConsumerMs;
    this.#budgetBytes = settings.memoryBudgetBytes;
  }

  /** Bytes that wait in all outboxes that a full socket holds up. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** The most that ever waited. */
  get mostBytes(): number {
    return this.#mostBytes;
  }

  /**
   * Takes note of how much waits for a session whose socket is full; 0 when it has drained or is gone. One that has ended
   * counts no more: its socket is gone soon, and nothing that could be done about it has been left undone.
   */
  report(session: Session, waitingBytes: number): void {
    const bytes = session.closed ? 0 : waitingBytes;
    this.#totalBytes += bytes - (this.#waiting.get(session) ?? 0);
    if (this.#totalBytes > this.#mostBytes) this.#mostBytes = this.#totalBytes;
    if (bytes === 0) this.#waiting.delete(session);
    else this.#waiting.set(session, bytes);
    if (bytes > this.highWaterBytes) this.#over(session);
    else if (this.#overSinceMs.delete(session)) session.resumeReading();
    if (this.#isOverBudget && !this.#shedding) {
      this.#shedding = true;
      process.nextTick(this.#shed);
    }
  }

  get #isOverBudget(): boolean {
    return this.#budgetBytes > 0 && this.#totalBytes > this.#budgetBytes;
  }

  #over(session: Session): void {
    if (this.#overSinceMs.has(session)) return;
    this.#overSinceMs.set(session, performance.now());
    session.pauseReading();
    this.#timer ??= setInterval(() => this.#look(), Math.ceil(this.#periodMs / LOOKS_PER_PERIOD));
  }

  #look(): void {
    const limit = performance.now() - this.#periodMs;
    for (const [session, sinceMs] of this.#overSinceMs) if (sinceMs <= limit) session.shed(4100);
    if (this.#overSinceMs.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #shedHeaviest(): void {
    let heaviest: Session | undefined;
    let most = 0;
    for (const [session, bytes] of this.#waiting) if (bytes > most) [heaviest, most] = [session, bytes];
    heaviest?.shed(1013);
  }
}
