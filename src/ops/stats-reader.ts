import { Inject, Injectable } from '@nestjs/common';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { Telemetry } from '../telemetry/telemetry.js';
import type { Stats } from './api.dto.js';
import { SessionRecord } from './session-record.js';

/** The counters in a few words, for who does not run Prometheus. */
@Injectable()
export class StatsReader {
  constructor(
    @Inject(Telemetry) private readonly telemetry: Telemetry,
    @Inject(SessionRegistry) private readonly sessions: SessionRegistry,
    @Inject(SessionRecord) private readonly record: SessionRecord,
    @Inject(Lifecycle) private readonly lifecycle: Lifecycle,
  ) {}

  read(): Stats {
    const { received, carried, carriedBroadcasts, routed, fannedOut, opened, refused } = this.telemetry;
    return {
      phase: this.lifecycle.phase,
      uptimeSeconds: Math.floor(process.uptime()),
      sessions: this.sessions.size,
      opened,
      messagesReceived: received + carried + carriedBroadcasts,
      messagesDelivered: routed + carried + fannedOut,
      messagesRefused: [...refused.values()].reduce((sum, count) => sum + count, 0),
      ...this.record.traffic(),
      handlersRunning: this.telemetry.handlersRunning,
      bufferedBytes: this.sessions.slowConsumers.totalBytes,
    };
  }
}
