import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, type CancelTimer } from '../cluster/clock.js';
import { StateNotices } from '../groups/state-notices.js';
import { SessionDirectory, type StateListener } from '../messaging/session-directory.js';
import { awayFrame, backFrame } from '../protocol/index.js';
import type { SessionPart } from '../sessions/session-parts.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';

/** Sessions that get notices in one turn, each of them counted once for each notice. */
const MAX_WRITES_PER_TURN = 4096;

/**
 * Sends `sys.away` of each session of any node that is away for `AWAY_NOTICE_MS`, and `sys.back` when its client comes back
 * after that. Each node counts the time by itself, so that a short absence sends no notices anywhere.
 *
 * A restart sends none: not while the node drains, and not before `DRAIN_SPREAD_MS` is over in the next process, because the
 * clients were asked to reconnect within that time.
 */
@Injectable()
export class AwayNotices implements StateListener, SessionPart, OnApplicationShutdown {
  readonly #delayMs: number;
  /** Sessions that are away without a notice, and when it is due. The earliest is first, because all delays are the same. */
  readonly #due = new Map<string, number>();
  /** Sessions of which `sys.away` was sent. */
  readonly #notified = new Set<string>();
  #cancel: CancelTimer | undefined;
  /** Restored sessions whose clients may still wait for the time at which they were asked to reconnect. */
  readonly #restored = new Set<string>();
  readonly #spreadMs: number;
  #cancelRestored: CancelTimer | undefined;
  #isDraining = false;

  constructor(
    directory: SessionDirectory,
    private readonly notices: StateNotices,
    private readonly clock: Clock,
    { awayNoticeMs, drainSpreadMs }: Settings,
  ) {
    this.#delayMs = awayNoticeMs;
    this.#spreadMs = drainSpreadMs;
    directory.addListener(this);
  }

  onApplicationShutdown(): void {
    this.#cancel?.();
    this.#cancelRestored?.();
  }

  /** Sends no `sys.away` any more, because the node drains. */
  drain(): void {
    this.#isDraining = true;
    this.#due.clear();
    this.#restored.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Starts `AWAY_NOTICE_MS` when `DRAIN_SPREAD_MS` is over, because the client was asked to wait so long. */
  restored(id: string): void {
    if (this.#delayMs === 0) return;
    this.#restored.add(id);
    this.#cancelRestored ??= this.clock.after(this.#spreadMs, () => {
      for (const each of this.#restored) this.away(each);
      this.#restored.clear();
    });
  }

  /** Returns `true` where the others have got `sys.away` of a session. */
  save({ id }: Session): true | undefined {
    return this.#notified.has(id) || undefined;
  }

  restore({ id }: Session): void {
    this.#restored.delete(id);
    this.#notified.add(id);
  }

  /** Counts the time from now on. */
  away(id: string): void {
    if (this.#delayMs === 0 || this.#isDraining) return;
    this.#due.set(id, this.clock.now() + this.#delayMs);
    if (this.#cancel === undefined) this.#schedule(this.#delayMs);
  }

  back(id: string): void {
    if (!this.#notified.delete(id)) return this.#forget(id);
    void this.notices.send(id, backFrame(id)); // one notice needs no share of a turn
  }

  ended(id: string): void {
    this.#notified.delete(id);
    this.#forget(id);
  }

  #forget(id: string): void {
    this.#restored.delete(id);
    if (!this.#due.delete(id) || this.#due.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.clock.after(delayMs, () => this.#sendDue());
  }

  /** Sends the notices that are due, divided over turns, because thousands of sessions may be lost at one moment. */
  #sendDue(): void {
    this.#cancel = undefined;
    const nowMs = this.clock.now();
    let writes = 0;
    for (const [id, dueMs] of this.#due) {
      if (writes >= MAX_WRITES_PER_TURN) return this.#schedule(0);
      if (dueMs > nowMs) return this.#schedule(dueMs - nowMs);
      this.#due.delete(id);
      this.#notified.add(id);
      writes += this.notices.send(id, awayFrame(id));
    }
  }
}
