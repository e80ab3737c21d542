import { Injectable } from '@nestjs/common';
import { BlockPool } from '../sessions/block-pool.js';
import { Settings } from '../settings/settings.js';
import { KeptRun, NO_RUN } from './kept-run.js';

/** Bytes that each further buffer takes which refers to shared bytes. */
const REFERENCE_BYTES = 16;

/** Counts the bytes in the replay buffers of the sessions that are connected, or of those that are away. */
export class ReplayAccount {
  /** Bytes in these replay buffers. Written by {@link changed}. */
  bytes = 0;

  /**
   * @param countsOnce whether shared bytes count once, as they are in memory. Else they count for each buffer, as they do when a
   *   session ends or is saved
   */
  constructor(
    readonly budget: ReplayBudget,
    private readonly countsOnce: boolean,
  ) {}

  /** Counts a run that a buffer holds from now on. */
  hold(run: KeptRun): void {
    if (this.countsOnce && run.owner === null && run.holders++ > 0) this.changed(REFERENCE_BYTES);
    else this.changed(run.length);
  }

  /** Counts a run that a buffer holds no longer. */
  drop(run: KeptRun): void {
    if (this.countsOnce && run.owner === null && --run.holders > 0) this.changed(-REFERENCE_BYTES);
    else this.changed(-run.length);
  }

  /** Counts a change of the bytes in one buffer. */
  changed(bytes: number): void {
    this.bytes += bytes;
    if (bytes > 0) this.budget.check();
  }
}

/**
 * Counts the bytes in the replay buffers of all sessions, and has sessions end while they exceed the budget. Sessions that
 * are connected and sessions that are away may each use half of it for certain, and what the others leave.
 */
@Injectable()
export class ReplayBudget {
  /** The account of sessions that are connected. */
  readonly connected = new ReplayAccount(this, true);
  /** The account of sessions that are away. */
  readonly away = new ReplayAccount(this, false);
  readonly #budgetBytes: number;
  /** The last run of {@link sharedRun}, which stays in memory until the next one. */
  #shared = NO_RUN;
  #isScheduled = false;
  #endSessions: () => void = () => undefined;

  constructor(
    { resumeBudgetBytes }: Settings,
    /** Memory of the replay buffers. */
    readonly blockPool: BlockPool,
  ) {
    this.#budgetBytes = resumeBudgetBytes;
  }

  /** Bytes in all replay buffers. */
  get totalBytes(): number {
    return this.connected.bytes + this.away.bytes;
  }

  /** Bytes by which an account grows before its sessions are searched again. */
  get stepBytes(): number {
    return this.#budgetBytes / 64;
  }

  /** Returns a run of bytes that many sessions are sent: the same one for all. */
  sharedRun(bytes: Buffer, frames: number): KeptRun {
    if (this.#shared.bytes !== bytes || this.#shared.frames !== frames)
      this.#shared = new KeptRun(bytes, 0, bytes.length, frames, null);
    return this.#shared;
  }

  /** Whether at most half of the budget is used. */
  get isHalfFree(): boolean {
    return this.totalBytes <= this.#budgetBytes / 2;
  }

  /** Returns by how many bytes this account must shrink: the budget is exceeded, and the account uses more than half of it. */
  excessOf({ bytes }: ReplayAccount): number {
    return Math.max(0, Math.min(this.totalBytes - this.#budgetBytes, bytes - this.#budgetBytes / 2));
  }

  /** Sets the function that ends sessions while their account exceeds the budget. */
  onExceeded(endSessions: () => void): void {
    this.#endSessions = endSessions;
  }

  /** Has sessions end where the budget is exceeded: at the end of the tick, because a write may be running. */
  check(): void {
    if (this.totalBytes <= this.#budgetBytes || this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.#isScheduled = false;
      this.#endSessions();
    });
  }
}
