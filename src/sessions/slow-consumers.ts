import { Injectable } from '@nestjs/common';
import { MinimumRate } from '../limits/minimum-rate.js';
import type { ServerCloseCode } from '../protocol/index.js';
import { Settings } from '../settings/settings.js';
import { DrainListeners } from './drain-listeners.js';

/** A session as seen by the policy for slow consumers. */
export interface SlowConsumer {
  readonly closed: boolean;
  /** Bytes that its connection has taken to send. */
  readonly takenBytes: number;
  /** Bytes of those taken that the client has read for certain; the others may still be on their way. */
  readonly confirmedBytes: number;
  /** Bytes of its messages that wait inside the server. Written by {@link SlowConsumers}. */
  heldBytes: number;
  /** Whether frames wait for a report of the client alone, which must be read. */
  readonly awaitsReport?: boolean;
  /** Stops reading from the client. */
  pauseReading(reason: 'slow'): void;
  resumeReading(reason: 'slow'): void;
  /** Closes the session and drops the frames that wait for it. Cuts the connection of a closed session. */
  shed(code: ServerCloseCode): void;
}

/** Periods that bytes in the system's buffers may excuse; few, because a full outbox is held meanwhile. */
const MAX_EXCUSED_PERIODS = 2;
/** Checks for overdue sessions during one `SLOW_CONSUMER_MS`. */
const CHECKS_PER_PERIOD = 10;

/**
 * The policy for sessions that do not read. Over `OUTBOX_HIGH_WATER_BYTES` the server stops reading from the client. A
 * session that stays over the mark for `SLOW_CONSUMER_MS` without progress is closed with 4100. Progress is what
 * `MIN_BYTES_PER_SECOND` makes in that time. Because the system takes bytes in steps of a whole buffer,
 * {@link MinimumRate} says how many periods longer a step may take.
 *
 * Over `MEMORY_BUDGET_BYTES` for all sessions together the one with the most waiting bytes is closed with 1013. Waiting bytes are the frames for a session, and its
 * own messages that wait for a handler or a token check. A closed session counts until its connection is gone. Closed
 * sessions together may hold the budget once more, because each of them is gone within two seconds; over that the one
 * with the most waiting bytes is cut.
 */
@Injectable()
export class SlowConsumers {
  /** Bytes that may wait for one session before messages to it are refused. */
  readonly highWaterBytes: number;
  readonly #periodMs: number;
  readonly #budgetBytes: number;
  /** Sessions whose frames wait, with the bytes that wait for each. */
  readonly #waiting = new Map<SlowConsumer, number>();
  /** Sessions whose own messages wait, see {@link hold}. */
  readonly #holders = new Set<SlowConsumer>();
  readonly #rate: MinimumRate;
  /** Sessions over the mark, with their last progress: the monotonic time, and the bytes taken by then. */
  readonly #overMark = new Map<SlowConsumer, { sinceMs: number; takenBytes: number }>();
  readonly #drainListeners = new DrainListeners<SlowConsumer>();
  /** Bytes of frames that wait for sessions. */
  #frameBytes = 0;
  /** Bytes of messages that wait inside the server, and of request bodies. */
  #heldBytes = 0;
  #mostBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #shedding = false;
  /**
   * Sheds sessions until the rest fits the budget. Runs after {@link report}, because shedding within it would write
   * departure notices to the outbox that is reporting.
   */
  readonly #shed = (): void => {
    this.#shedding = false;
    while (this.#openBytes() > this.#budgetBytes && this.#shedHeaviest('open'));
    while (this.#closedBytes() > this.#budgetBytes && this.#shedHeaviest('closed'));
  };

  constructor(settings: Settings) {
    this.highWaterBytes = settings.outboxHighWaterBytes;
    this.#periodMs = settings.slowConsumerMs;
    this.#rate = new MinimumRate(settings.minBytesPerSecond, settings.slowConsumerMs);
    this.#budgetBytes = settings.memoryBudgetBytes;
  }

  /** Bytes that wait for all sessions together, request bodies of the HTTP API included. */
  get totalBytes(): number {
    return this.#frameBytes + this.#heldBytes;
  }

  /** Bytes of frames that sessions have not read. */
  get undeliveredBytes(): number {
    return this.#frameBytes;
  }

  /** The highest {@link totalBytes} so far. */
  get mostBytes(): number {
    return this.#mostBytes;
  }

  /**
   * Records how many bytes wait for a session whose socket is full; 0 once the socket has drained or is gone.
   */
  report(session: SlowConsumer, bytes: number): void {
    this.#frameBytes += bytes - (this.#waiting.get(session) ?? 0);
    if (bytes === 0) this.#waiting.delete(session);
    else this.#waiting.set(session, bytes);
    if (bytes > this.highWaterBytes && !session.closed) this.#watch(session);
    else if (this.#overMark.delete(session)) session.resumeReading('slow');
    if (bytes <= this.highWaterBytes / 2) this.#drainListeners.call(session);
    this.#checkBudget();
  }

  /**
   * Calls back once at most half of `OUTBOX_HIGH_WATER_BYTES` waits for a session whose outbox is overloaded. The
   * listener must not write to the session. Returns a function that cancels.
   */
  onceDrained(session: SlowConsumer, listener: () => void): () => void {
    return this.#drainListeners.add(session, listener);
  }

  /** Counts a message of a session that waits inside the server, until {@link release} or {@link forget}. */
  hold(session: SlowConsumer, bytes: number): void {
    if (session.closed) return;
    if (session.heldBytes === 0) this.#holders.add(session);
    session.heldBytes += bytes;
    this.#heldBytes += bytes;
    this.#checkBudget();
  }

  /** Uncounts bytes that {@link hold} counted; does nothing once they are forgotten. */
  release(session: SlowConsumer, bytes: number): void {
    const freed = Math.min(bytes, session.heldBytes);
    session.heldBytes -= freed;
    this.#heldBytes -= freed;
    if (session.heldBytes === 0) this.#holders.delete(session);
  }

  /** Uncounts all messages of a session, because the session has closed. */
  forget(session: SlowConsumer): void {
    this.release(session, session.heldBytes);
  }

  /** Counts bytes that belong to no session, until {@link giveBack}; returns `false` where they exceed the budget. */
  tryBorrow(bytes: number): boolean {
    if (this.#budgetBytes > 0 && this.totalBytes + bytes > this.#budgetBytes) return false;
    this.#heldBytes += bytes;
    this.#checkBudget();
    return true;
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  /** Records the highest total, and sheds at the end of the tick where the total exceeds the budget. */
  #checkBudget(): void {
    if (this.totalBytes > this.#mostBytes) this.#mostBytes = this.totalBytes;
    if (!this.#isOverBudget || this.#shedding) return;
    this.#shedding = true;
    process.nextTick(this.#shed);
  }

  get #isOverBudget(): boolean {
    return this.#budgetBytes > 0 && this.totalBytes > this.#budgetBytes;
  }

  /** Stops reading, unless the client must report, and begins to measure progress. */
  #watch(session: SlowConsumer): void {
    if (session.awaitsReport === true) session.resumeReading('slow');
    else session.pauseReading('slow');
    if (this.#overMark.has(session)) return;
    this.#overMark.set(session, { sinceMs: performance.now(), takenBytes: session.takenBytes });
    this.#timer ??= setInterval(() => this.#shedOverdue(), Math.ceil(this.#periodMs / CHECKS_PER_PERIOD));
  }

  #shedOverdue(): void {
    const nowMs = performance.now();
    for (const [session, last] of this.#overMark) {
      const { closed, takenBytes } = session;
      if (closed) this.#overMark.delete(session);
      else if (takenBytes - last.takenBytes >= this.#rate.bytesPerPeriod) {
        last.sinceMs = nowMs;
        last.takenBytes = takenBytes;
      } else {
        const excused = this.#rate.excusedPeriods(takenBytes - session.confirmedBytes);
        const periods = 1 + Math.min(MAX_EXCUSED_PERIODS, excused);
        if (nowMs - last.sinceMs >= periods * this.#periodMs) session.shed(4100);
      }
    }
    if (this.#overMark.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Sums up what waits for open sessions and inside the server. */
  #openBytes(): number {
    return this.totalBytes - this.#closedBytes();
  }

  /** Sums up the frames of closed sessions whose connections are not gone yet. */
  #closedBytes(): number {
    let sum = 0;
    for (const [session, bytes] of this.#waiting) if (session.closed) sum += bytes;
    return sum;
  }

  /** Closes the heaviest open session, or cuts the heaviest closed one. Returns whether there was one. */
  #shedHeaviest(kind: 'open' | 'closed'): boolean {
    let heaviest: SlowConsumer | undefined;
    let most = 0;
    for (const sessions of [this.#waiting.keys(), this.#holders])
      for (const session of sessions) {
        const bytes = (this.#waiting.get(session) ?? 0) + session.heldBytes;
        if (bytes > most && session.closed === (kind === 'closed')) [heaviest, most] = [session, bytes];
      }
    if (heaviest === undefined) return false;
    heaviest.shed(1013);
    this.forget(heaviest);
    if (kind === 'closed') this.report(heaviest, 0); // the connection is cut
    return true;
  }
}
