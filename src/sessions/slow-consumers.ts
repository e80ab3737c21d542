import { Injectable } from '@nestjs/common';
import type { ServerCloseCode } from '../protocol/index.js';
import { Settings } from '../settings/settings.js';

/** A session as seen by the policy for slow consumers. */
export interface SlowConsumer {
  readonly closed: boolean;
  /** Stops reading from the client. */
  pauseReading(reason: 'slow'): void;
  resumeReading(reason: 'slow'): void;
  /** Closes the session and drops the frames that wait for it. Cuts the connection of a closed session. */
  shed(code: ServerCloseCode): void;
}

/** Checks for overdue sessions during one `SLOW_CONSUMER_MS`. */
const CHECKS_PER_PERIOD = 10;

/**
 * The policy for sessions that do not read. Over `OUTBOX_HIGH_WATER_BYTES` the server stops reading from the client. After
 * `SLOW_CONSUMER_MS` over that mark the session is closed with 4100. Over `MEMORY_BUDGET_BYTES` for all sessions together
 * the one with the most waiting bytes is closed with 1013. A closed session counts until its connection is gone. Closed
 * sessions together may hold the budget once more, because each of them is gone within two seconds; over that the one with
 * the most waiting bytes is cut.
 */
@Injectable()
export class SlowConsumers {
  /** Bytes that may wait for one session before messages to it are refused. */
  readonly highWaterBytes: number;
  readonly #periodMs: number;
  readonly #budgetBytes: number;
  /** Sessions whose frames wait, with the bytes that wait for each. */
  readonly #waiting = new Map<SlowConsumer, number>();
  /** Sessions over the mark, with the monotonic time at which they exceeded it. */
  readonly #overSinceMs = new Map<SlowConsumer, number>();
  #totalBytes = 0;
  #mostBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #shedding = false;
  /**
   * Sheds sessions until the rest fits the budget. Runs after {@link report}, because shedding within it would write
   * departure notices to the outbox that is reporting.
   */
  readonly #shed = (): void => {
    this.#shedding = false;
    while (this.#waitingBytes('open') > this.#budgetBytes) this.#shedHeaviest('open');
    while (this.#waitingBytes('closed') > this.#budgetBytes) this.#shedHeaviest('closed');
  };

  constructor(settings: Settings) {
    this.highWaterBytes = settings.outboxHighWaterBytes;
    this.#periodMs = settings.slowConsumerMs;
    this.#budgetBytes = settings.memoryBudgetBytes;
  }

  /** Bytes that wait for all sessions together. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** The highest {@link totalBytes} so far. */
  get mostBytes(): number {
    return this.#mostBytes;
  }

  /**
   * Records how many bytes wait for a session whose sink is full; 0 once the sink has drained or is gone.
   */
  report(session: SlowConsumer, bytes: number): void {
    this.#totalBytes += bytes - (this.#waiting.get(session) ?? 0);
    if (this.#totalBytes > this.#mostBytes) this.#mostBytes = this.#totalBytes;
    if (bytes === 0) this.#waiting.delete(session);
    else this.#waiting.set(session, bytes);
    if (bytes > this.highWaterBytes && !session.closed) this.#pause(session);
    else if (this.#overSinceMs.delete(session)) session.resumeReading('slow');
    if (this.#isOverBudget && !this.#shedding) {
      this.#shedding = true;
      process.nextTick(this.#shed);
    }
  }

  get #isOverBudget(): boolean {
    return this.#budgetBytes > 0 && this.#totalBytes > this.#budgetBytes;
  }

  #pause(session: SlowConsumer): void {
    if (this.#overSinceMs.has(session)) return;
    this.#overSinceMs.set(session, performance.now());
    session.pauseReading('slow');
    this.#timer ??= setInterval(() => this.#shedOverdue(), Math.ceil(this.#periodMs / CHECKS_PER_PERIOD));
  }

  #shedOverdue(): void {
    const limit = performance.now() - this.#periodMs;
    for (const [session, sinceMs] of this.#overSinceMs) {
      if (session.closed) this.#overSinceMs.delete(session);
      else if (sinceMs <= limit) session.shed(4100);
    }
    if (this.#overSinceMs.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Sums up what waits for sessions of one kind. */
  #waitingBytes(kind: 'open' | 'closed'): number {
    let sum = 0;
    for (const [session, bytes] of this.#waiting) if (session.closed === (kind === 'closed')) sum += bytes;
    return sum;
  }

  #shedHeaviest(kind: 'open' | 'closed'): void {
    let heaviest: SlowConsumer | undefined;
    let most = 0;
    for (const [session, bytes] of this.#waiting)
      if (bytes > most && session.closed === (kind === 'closed')) [heaviest, most] = [session, bytes];
    heaviest?.shed(1013);
    if (heaviest !== undefined && kind === 'closed') this.report(heaviest, 0); // its connection is cut
  }
}
