import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { Backplane } from '../../cluster/backplane.js';
import { NodeState } from '../../node/node-state.js';
import { NoticeLog } from '../../messaging/notice-log.js';
import { ABNORMAL, reconnectFrame } from '../../protocol/index.js';
import { SessionHandover } from '../../resume/state/session-handover.js';
import type { Connection } from '../../sessions/connection.js';
import type { SessionListener } from '../../sessions/session-listener.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Settings } from '../../settings/settings.js';
import { Counters } from '../../telemetry/counters.js';
import { Log } from '../../telemetry/log.js';

/** Interval at which the condition to end a step is checked. */
const POLL_MS = 10;
/** Connections are closed in batches of at least `MIN_BATCH`, and in at most `MAX_BATCHES`. */
const MIN_BATCH = 250;
const MAX_BATCHES = 50;
/** Shares of `DRAIN_TIMEOUT_MS` by which a step ends at the latest. */
const HANDLERS_UNTIL = 0.4;
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
 *   sys.reconnect ──▶ handlers end ──▶ no more reading, flush ──▶ 1012 in batches ──▶ cut the rest, departure hooks end
 *   0                 ≤ 40 %           ≤ 70 %                     ≤ 90 %              ≤ 95 % of the time
 *
 * All sessions end in one turn, so that none of them gets the departures of the others. The drain does not wait for
 * values of observables, because an observable may never complete.
 *
 * Where the next process takes up the sessions that may come back, those get the departures of the others. They are away
 * when their connections close, and are saved when hooks have ended, within the 95 %.
 */
@Injectable()
export class Drain implements SessionListener {
  readonly #spreadMs: number;
  readonly #timeoutMs: number;
  #report: Promise<DrainReport> | undefined;

  constructor(
    settings: Settings,
    private readonly nodeState: NodeState,
    private readonly sessions: SessionRegistry,
    private readonly noticeLog: NoticeLog,
    private readonly counters: Counters,
    private readonly backplane: Backplane,
    private readonly handover: SessionHandover,
    private readonly log: Log,
  ) {
    this.#spreadMs = settings.drainSpreadMs;
    this.#timeoutMs = settings.drainTimeoutMs;
    // A handshake that waited for its token when the drain began may still open a session.
    sessions.addListener('drain', this);
  }

  /**
   * Resolves when all connections are closed or cut and departure hooks have ended, within 95 % of `DRAIN_TIMEOUT_MS`.
   * Drains once, so that a second call returns the report of the first.
   */
  run(): Promise<DrainReport> {
    return (this.#report ??= this.#drain());
  }

  opened(session: Session): void {
    if (this.nodeState.phase === 'draining') session.close(1012);
  }

  back(session: Session): void {
    this.opened(session);
  }

  async #drain(): Promise<DrainReport> {
    const start = performance.now();
    const deadline = (share: number): number => start + this.#timeoutMs * share;
    const { isOn: saves } = this.handover; // now, because the other nodes of a cluster may leave meanwhile
    const { closedUntil, hooksUntil } = saves ? SAVING : ENDING;
    this.nodeState.drain();
    this.log.info('draining', { sessions: this.sessions.size });
    this.#sendReconnects();
    const requests = this.#completeRequests();
    await until(() => this.#handlersEnded(requests), deadline(HANDLERS_UNTIL));
    for (const session of this.sessions.all()) session.pauseReading('drain');
    await until(() => this.#allDelivered(), deadline(DELIVERY_UNTIL));
    const sessions = [...this.sessions.all()];
    const leaving = saves ? sessions.filter((session) => !this.handover.takes(session)) : sessions;
    const connections = sessions.flatMap(({ connection }) => connection ?? []);
    for (const session of sessions) if (session.state === 'open') session.outbox.flushAll(); // with `sys.reconnect`
    void this.sessions.endAll(1012, leaving); // all connections are closed, whatever session has ended
    const cut = await this.#close(connections, deadline(closedUntil));
    this.counters.drainCut += cut;
    await this.#awaitDepartures(deadline(hooksUntil));
    if (saves) await this.handover.save(deadline(SAVED_UNTIL));
    const report = { sessions: sessions.length, cut, tookMs: Math.round(performance.now() - start) };
    if (cut > 0) this.log.warn('drained', report);
    else this.log.info('drained', report);
    return report;
  }

  /** Spreads the times over `DRAIN_SPREAD_MS`, so that the clients do not reconnect all at once. */
  #sendReconnects(): void {
    const stepMs = this.#spreadMs / Math.max(1, this.sessions.size);
    let index = 0;
    for (const session of this.sessions.all()) {
      if (session.state === 'away') continue;
      const afterMs = stepMs * ++index;
      // Whole milliseconds, unless there are more sessions than milliseconds.
      this.noticeLog.send(session, reconnectFrame(session.id, stepMs < 1 ? afterMs : Math.floor(afterMs)));
    }
  }

  /** Lists the requests that are answered without anything more of their clients. */
  #completeRequests(): IncomingMessage[] {
    return [...this.counters.requestsRunning].filter(({ complete }) => complete);
  }

  /** Returns whether no handler of a gateway runs and none of these requests. Later requests would never all end. */
  #handlersEnded(requests: readonly IncomingMessage[]): boolean {
    const { handlersRunning, requestsRunning } = this.counters;
    return handlersRunning === 0 && !requests.some((request) => requestsRunning.has(request));
  }

  #allDelivered(): boolean {
    const waiting = this.sessions.slowConsumers.undeliveredBytes + this.backplane.waiting;
    return this.counters.handlersRunning === 0 && waiting === 0;
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
      await delay(POLL_MS);
    }
    await until(() => this.counters.webSockets === 0, deadlineMs);
    const left = connections.length - closed;
    for (const connection of connections) connection.terminate();
    return cut + left;
  }

  /** Waits for the departure hooks of the application, because they may need providers that the close destroys. */
  async #awaitDepartures(deadlineMs: number): Promise<void> {
    await turn(); // the hooks of a session that has just left begin in the next tick
    const { counters } = this;
    await until(() => counters.webSockets === 0 && counters.departureHooksRunning === 0, deadlineMs);
    const { departureHooksRunning: hooks } = counters;
    if (hooks > 0) this.log.warn('departure hooks still run after the drain', { hooks });
  }
}

/** Waits until a condition holds or the deadline, on the clock of `performance.now()`, has passed. */
async function until(condition: () => boolean, deadlineMs: number): Promise<void> {
  while (!condition() && performance.now() < deadlineMs) await delay(POLL_MS);
}
