import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { ABNORMAL } from '../../protocol/index.js';
import type { Connection } from '../../sessions/connection.js';
import { Settings } from '../../settings/settings.js';
import { Counters } from '../../telemetry/counters.js';
import { Log } from '../../telemetry/log.js';
import { DrainedSessions } from './drained-sessions.js';
import { RunningWork } from './running-work.js';

/** Time between two batches of connections that are closed. */
const BATCH_MS = 10;
/** Connections are closed in batches of at least `MIN_BATCH`, and in at most `MAX_BATCHES`. */
const MIN_BATCH = 250;
const MAX_BATCHES = 50;
/** Shares of `DRAIN_TIMEOUT_MS` by which a step ends at the latest. */
const CALLS_UNTIL = 0.4;
const DELIVERY_UNTIL = 0.7;
/** The last steps of a node that ends all sessions, and of one that saves sessions behind them. */
const ENDING = { closedUntil: 0.9, hooksUntil: 0.95 };
const SAVING = { closedUntil: 0.8, hooksUntil: 0.85 };
const SAVED_UNTIL = 0.95;

export interface DrainReport {
  readonly sessions: number;
  /** Sessions that did not answer the close frame in time. */
  readonly cut: number;
  readonly tookMs: number;
}

/**
 * Empties this node before it stops.
 *
 *   sys.reconnect ──▶ calls end ──▶ no more reading, flush ──▶ 1012 in batches ──▶ cut the rest, departure hooks end
 *   0                 ≤ 40 %        ≤ 70 %                     ≤ 90 %              ≤ 95 % of the time
 *
 * All sessions end in one turn, so that none of them gets the departures of the others. The drain does not wait for
 * values of observables, because an observable may never complete.
 *
 * Where the next process takes up the sessions that may come back, resumable sessions get `sys.departed` of the sessions that
 * end. Resumable sessions are away when their connections close, and are saved when hooks have ended, within the 95 %.
 */
@Injectable()
export class Drain {
  readonly #timeoutMs: number;
  #report: Promise<DrainReport> | undefined;

  constructor(
    { drainTimeoutMs }: Settings,
    private readonly sessions: DrainedSessions,
    private readonly work: RunningWork,
    private readonly counters: Counters,
    private readonly log: Log,
  ) {
    this.#timeoutMs = drainTimeoutMs;
  }

  /**
   * Resolves when all connections are closed or cut and departure hooks have ended, within 95 % of `DRAIN_TIMEOUT_MS`.
   * Drains once, so that a second call returns the report of the first.
   */
  run(): Promise<DrainReport> {
    return (this.#report ??= this.#drain());
  }

  async #drain(): Promise<DrainReport> {
    const start = performance.now();
    const deadline = (share: number): number => start + this.#timeoutMs * share;
    const { closedUntil, hooksUntil } = this.sessions.begin() ? SAVING : ENDING;
    this.log.info('draining', { sessions: this.sessions.size });
    this.sessions.sendReconnects();
    await this.work.callsEnded(deadline(CALLS_UNTIL));
    this.sessions.stopReading();
    await this.work.delivered(deadline(DELIVERY_UNTIL));
    const { sessions, connections } = this.sessions.end();
    const cut = await this.#close(connections, deadline(closedUntil));
    this.counters.drainCut += cut;
    await this.work.departureHooksEnded(deadline(hooksUntil));
    await this.sessions.save(deadline(SAVED_UNTIL));
    const report = { sessions, cut, tookMs: Math.round(performance.now() - start) };
    if (cut > 0) this.log.warn('drained', report);
    else this.log.info('drained', report);
    return report;
  }

  /** Closes connections and returns the number of those that had to be cut. */
  async #close(connections: readonly Connection[], deadlineMs: number): Promise<number> {
    let closed = 0;
    let cut = 0;
    // All at once, because a connection may close by itself before its batch.
    for (const connection of connections)
      connection.onceClosed((code) => {
        closed++;
        if (code === ABNORMAL) cut++;
      });
    const batch = Math.max(MIN_BATCH, Math.ceil(connections.length / MAX_BATCHES));
    for (let from = 0; from < connections.length; from += batch) {
      for (const connection of connections.slice(from, from + batch)) connection.close(1012);
      await delay(BATCH_MS);
    }
    await this.work.webSocketsClosed(deadlineMs);
    const left = connections.length - closed;
    for (const connection of connections) connection.terminate();
    return cut + left;
  }
}
