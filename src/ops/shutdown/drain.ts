import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Backplane } from '../../cluster/backplane.js';
import { NodeState } from '../../node/node-state.js';
import { NoticeLog } from '../../messaging/notice-log.js';
import { ABNORMAL, reconnectFrame } from '../../protocol/index.js';
import type { SessionListener } from '../../sessions/session-listener.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Settings } from '../../settings/settings.js';
import { Counters } from '../../telemetry/counters.js';

/** How often the drain looks whether it may go on. */
const LOOK_MS = 10;
/** Sockets closed at a time, at least, and into how many batches a large number is divided. */
const BATCH = 250;
const MAX_BATCHES = 50;
/** Which part of the time has passed, at the latest, when a step ends. */
const HANDLERS_UNTIL = 0.4;
const DELIVERY_UNTIL = 0.7;
const CLOSED_UNTIL = 0.9;

export interface DrainReport {
  readonly sessions: number;
  /** Those that did not answer the close frame. */
  readonly cut: number;
  readonly tookMs: number;
}

/**
 * Empties this node before it stops.
 *
 *   sys.reconnect ──▶ handlers end ──▶ no more reading, what waits is delivered ──▶ 1012 in batches ──▶ cut the rest
 *   0                 ≤ 40 %           ≤ 70 %                                        ≤ 90 %              of the time
 *
 * All sessions end at one moment: each departure is told once, and not to those who are leaving too. Values that an
 * observable has yet to answer are not waited for: it may never end.
 */
@Injectable()
export class Drain implements SessionListener {
  readonly #logger = new Logger(Drain.name);
  readonly #spreadMs: number;
  readonly #timeoutMs: number;

  constructor(
    settings: Settings,
    private readonly nodeState: NodeState,
    private readonly sessions: SessionRegistry,
    private readonly noticeLog: NoticeLog,
    private readonly counters: Counters,
    private readonly backplane: Backplane,
  ) {
    this.#spreadMs = settings.drainSpreadMs;
    this.#timeoutMs = settings.drainTimeoutMs;
    // A handshake that was being decided when the drain began may still end in a session.
    sessions.addListener('drain', this);
  }

  /** Resolves when every session has gone, in nine tenths of `DRAIN_TIMEOUT_MS` at the most. */
  async run(): Promise<DrainReport> {
    const start = performance.now();
    const at = (part: number): number => start + this.#timeoutMs * part;
    this.nodeState.drain();
    this.#logger.warn('draining', { sessions: this.sessions.size });
    this.#tellAll();
    await until(() => this.counters.handlersRunning === 0, at(HANDLERS_UNTIL));
    for (const session of this.sessions.all()) session.pauseReading('drain');
    await until(() => this.#delivered(), at(DELIVERY_UNTIL));
    const leaving = this.sessions.endAll(1012);
    const cut = await this.#close(leaving, at(CLOSED_UNTIL));
    this.counters.drainCut += cut;
    const report = { sessions: leaving.length, cut, tookMs: Math.round(performance.now() - start) };
    this.#logger.warn('drained', report);
    return report;
  }

  opened(session: Session): void {
    if (this.nodeState.phase === 'draining') session.close(1012);
  }

  /** Each session gets a moment of its own, so that they do not all come back at once. */
  #tellAll(): void {
    const stepMs = this.#spreadMs / Math.max(1, this.sessions.size);
    let place = 0;
    for (const session of this.sessions.all()) {
      const afterMs = stepMs * ++place;
      // Whole milliseconds, unless there are more sessions than those.
      this.noticeLog.send(session, reconnectFrame(session.id, stepMs < 1 ? afterMs : Math.floor(afterMs)));
    }
  }

  #delivered(): boolean {
    const waiting = this.sessions.slowConsumers.totalBytes + this.backplane.waiting;
    return this.counters.handlersRunning === 0 && waiting === 0;
  }

  /** Closes the sockets of ended sessions and returns how many had to be cut. */
  async #close(sessions: readonly Session[], deadlineMs: number): Promise<number> {
    let gone = 0;
    let cut = 0;
    const batch = Math.max(BATCH, Math.ceil(sessions.length / MAX_BATCHES));
    for (let from = 0; from < sessions.length; from += batch) {
      for (const session of sessions.slice(from, from + batch)) {
        session.connection?.onceClosed((code) => {
          gone++;
          if (code === ABNORMAL) cut++;
        });
        session.close(1012);
      }
      await delay(LOOK_MS);
    }
    await until(() => gone === sessions.length, deadlineMs);
    const left = sessions.length - gone;
    for (const { connection } of sessions) connection?.terminate();
    return cut + left;
  }
}

/** Waits for a condition, not beyond a moment of the monotonic clock. */
async function until(condition: () => boolean, deadlineMs: number): Promise<void> {
  while (!condition() && performance.now() < deadlineMs) await delay(LOOK_MS);
}
