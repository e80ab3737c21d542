import { Injectable } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { NO_RETURN_REASONS } from '../../protocol/index.js';
import { AwaySessions } from '../../resume/away-sessions.js';
import { ReplayBudget } from '../../resume/replay-budget.js';
import { Resumptions } from '../../resume/resumptions.js';
import { resumptionOf, type EndReason } from '../../resume/session-resumption.js';
import type { SessionListener } from '../../sessions/session-listener.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Counters } from '../../telemetry/counters.js';
import { counter, counterBy, gauge, withZeros } from './metric.js';

/** How a session ceases to be away; `closed` by the server. */
const ENDS = { expired: 'expired', overflow: 'overflow', ended: 'closed' } as const satisfies Record<EndReason, string>;

/** Counts lost connections and returns of sessions that resume. */
@Injectable()
export class ResumeMetrics implements SessionListener {
  #lost = 0;
  #back = 0;
  readonly #ended = { expired: 0, overflow: 0, closed: 0 };

  constructor(
    sessions: SessionRegistry,
    private readonly awaySessions: AwaySessions,
    private readonly budget: ReplayBudget,
    private readonly resumptions: Resumptions,
    private readonly counters: Counters,
  ) {
    sessions.addListener('metrics', this);
  }

  away(): void {
    this.#lost++;
  }

  back(): void {
    this.#back++;
  }

  closed(session: Session): void {
    const resumption = session.connection === undefined ? resumptionOf(session) : undefined;
    if (resumption !== undefined) this.#ended[ENDS[resumption.endReason]]++;
  }

  /** Registers the metrics. */
  addTo(registry: Registry): void {
    const { counters, resumptions, awaySessions, budget } = this;
    const away = 'Sessions without a connection, whose clients may return.';
    gauge(registry, 'switchboard_sessions_away', away, () => awaySessions.size);
    const lost = 'Connections lost by sessions that resume.';
    counter(registry, 'switchboard_sessions_lost_total', lost, () => this.#lost);
    const ended = 'How sessions ceased to be away: back, expired, overflow, or closed by the server.';
    counterBy(registry, 'switchboard_sessions_away_ended_total', ended, 'how', () =>
      Object.entries({ back: this.#back, ...this.#ended }),
    );
    const returns = 'Handshakes with a resume token: resumed, or the reason of the new session.';
    counterBy(registry, 'switchboard_returns_total', returns, 'outcome', () => [
      ['resumed', this.#back],
      ...withZeros(NO_RETURN_REASONS, resumptions.noReturns),
    ]);
    const replay = 'Bytes kept of what was sent to sessions that resume, and not reported as seen.';
    gauge(registry, 'switchboard_replay_bytes', replay, () => budget.totalBytes);
    const undelivered =
      'Messages whose senders are sent sys.undelivered, because a session ended that had not seen them.';
    counter(registry, 'switchboard_undelivered_total', undelivered, () => counters.undelivered);
  }
}
