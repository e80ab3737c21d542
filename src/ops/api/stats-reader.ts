import { Injectable } from '@nestjs/common';
import { NodeState } from '../../node/node-state.js';
import { AwaySessions } from '../../resume/away-sessions.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import { Counters } from '../../telemetry/counters.js';
import type { Stats } from './api.dto.js';
import { SessionMetrics } from '../metrics/session-metrics.js';

/** Reads the most important counters of this node, for operators without Prometheus. */
@Injectable()
export class StatsReader {
  constructor(
    private readonly counters: Counters,
    private readonly sessions: SessionRegistry,
    private readonly awaySessions: AwaySessions,
    private readonly sessionMetrics: SessionMetrics,
    private readonly nodeState: NodeState,
  ) {}

  read(): Stats {
    const { received, fastRouted, fastBroadcasts, routed, fannedOut, opened, refused } = this.counters;
    return {
      phase: this.nodeState.phase,
      uptimeSeconds: Math.floor(process.uptime()),
      sessions: this.sessions.size,
      sessionsAway: this.awaySessions.size,
      opened,
      messagesReceived: received + fastRouted + fastBroadcasts,
      messagesDelivered: routed + fastRouted + fannedOut,
      messagesRefused: [...refused.values()].reduce((sum, count) => sum + count, 0),
      ...this.sessionMetrics.traffic(),
      handlersRunning: this.counters.handlersRunning,
      bufferedBytes: this.sessions.slowConsumers.totalBytes,
    };
  }
}
