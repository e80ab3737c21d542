import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { SessionListener } from '../sessions/session-listener.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import { LateClients } from './late-clients.js';
import { ReplayBudget } from './replay-budget.js';
import { resumptionOf, type SessionResumption } from './session-resumption.js';

/**
 * Holds the sessions that are away, the longest away first, and ends each of them when `RESUME_WINDOW_MS` is over. Ends them
 * earlier, the longest away first, where a new client needs a place, or where all replay buffers together exceed
 * `RESUME_BUDGET_BYTES`. Connected sessions that report late are closed before.
 */
@Injectable()
export class AwaySessions implements SessionListener, OnApplicationShutdown {
  readonly #sessions = new Map<Session, SessionResumption>();
  readonly #windowMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly registry: SessionRegistry,
    private readonly budget: ReplayBudget,
    private readonly log: Log,
    { resumeWindowMs }: Settings,
  ) {
    this.#windowMs = resumeWindowMs;
    registry.addListener('away', this);
    const lateClients = new LateClients(registry, budget);
    budget.onExceeded(() => {
      lateClients.close();
      this.#endKeeping();
    });
  }

  onApplicationShutdown(): void {
    clearTimeout(this.#timer);
  }

  /** Number of sessions that are away. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Lists the sessions that are away, the longest away first. */
  all(): Iterable<Session> {
    return this.#sessions.keys();
  }

  away(session: Session, code: number): void {
    const resumption = resumptionOf(session);
    if (resumption === undefined) return;
    resumption.isRestored = false; // Restored sessions enter by `add`, so this loss follows a return.
    this.add(session, resumption, code, performance.now());
  }

  back(session: Session): void {
    this.#sessions.get(session)?.replay.countIn(this.budget.connected);
    this.#sessions.delete(session);
  }

  closed(session: Session): void {
    this.#sessions.delete(session);
  }

  /**
   * Adds a session.
   *
   * @param code close code of the lost connection
   * @param sinceMs when it was lost, on the clock of `performance.now()`; not before that of the session added before
   */
  add(session: Session, resumption: SessionResumption, code: number, sinceMs: number): void {
    resumption.awaySinceMs = sinceMs;
    resumption.lossCode = code;
    resumption.replay.countIn(this.budget.away);
    this.#sessions.set(session, resumption);
    this.#timer ??= this.#timerFor(resumption);
  }

  /** Ends the session that is away for the longest time. @returns `false` where no session is away */
  endLongest(): boolean {
    for (const [session, resumption] of this.#sessions) {
      this.#overflow(session, resumption);
      return true;
    }
    return false;
  }

  #timerFor({ awaySinceMs }: SessionResumption): NodeJS.Timeout {
    const waitMs = Math.max(0, awaySinceMs + this.#windowMs - performance.now());
    return setTimeout(() => this.#expire(), Math.ceil(waitMs)).unref();
  }

  /** Ends the sessions that are due at one moment, because each would else get the departures of all before it. */
  #expire(): void {
    this.#timer = undefined;
    const dueMs = performance.now() - this.#windowMs;
    const dueByCode = new Map<number, Session[]>();
    for (const [session, resumption] of this.#sessions) {
      if (resumption.awaySinceMs > dueMs) {
        this.#timer = this.#timerFor(resumption);
        break;
      }
      resumption.endReason = 'expired';
      const due = dueByCode.get(resumption.lossCode);
      if (due === undefined) dueByCode.set(resumption.lossCode, [session]);
      else due.push(session);
    }
    for (const [code, sessions] of dueByCode) this.registry.endAll(code, sessions);
  }

  #overflow(session: Session, resumption: SessionResumption): void {
    this.log.info('ended a session that is away', { reason: 'overflow', session: session.id });
    resumption.endReason = 'overflow';
    this.#sessions.delete(session);
    this.registry.end(session, resumption.lossCode);
  }

  /** Ends sessions that are away while they exceed the budget. Leaves those alone for which nothing is kept. */
  #endKeeping(): void {
    const { budget } = this;
    for (const [session, resumption] of this.#sessions) {
      if (budget.excessOf(budget.away) === 0) return;
      if (resumption.replay.bytes > 0) this.#overflow(session, resumption);
    }
  }
}
