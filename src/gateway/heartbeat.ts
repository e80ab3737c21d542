import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { MinimumRate } from '../limits/minimum-rate.js';
import type { Frame } from '../protocol/index.js';
import type { SessionListener } from '../sessions/session-listener.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { PingRecord } from './frames/ping-record.js';
import { numberedPing } from './frames/ping-replies.js';
import { GatewaySocket } from './gateway-socket.js';

/** Ticks of one heartbeat. Pings are spread over the ticks, and one timer serves all sessions. */
const TICKS_PER_HEARTBEAT = 20;

/**
 * Pings every session once a heartbeat, and closes with 4101 each session without traffic for a whole heartbeat.
 * The pings also keep proxies from closing idle connections.
 *
 *   opened ──▶ ping ──heartbeatMs──▶ traffic since? ping : close 4101
 *
 * A client over a slow link answers a ping only when it has read what was sent before. The number of a ping, which its
 * pong returns, shows what that was: {@link MinimumRate} says how many heartbeats longer the client may be silent. Where
 * bytes wait for the system, each step in which it takes some of them counts as traffic, because the client has read.
 */
@Injectable()
export class Heartbeat implements SessionListener, OnApplicationBootstrap, OnApplicationShutdown {
  readonly #tickMs: number;
  readonly #rate: MinimumRate;
  #tick = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sessions: SessionRegistry,
    { heartbeatMs, minBytesPerSecond }: Settings,
  ) {
    this.#tickMs = Math.max(1, Math.floor(heartbeatMs / TICKS_PER_HEARTBEAT));
    this.#rate = new MinimumRate(minBytesPerSecond, heartbeatMs);
    sessions.addListener('heartbeat', this);
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.#onTick(), this.#tickMs).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  opened(session: Session): void {
    session.nextPingTick = this.#tick + TICKS_PER_HEARTBEAT;
  }

  back(session: Session): void {
    this.opened(session);
  }

  #onTick(): void {
    this.#tick++;
    let ping: Frame | undefined;
    const silent: Session[] = [];
    for (const session of this.sessions.all()) {
      if (session.nextPingTick > this.#tick) continue;
      session.nextPingTick = this.#tick + TICKS_PER_HEARTBEAT;
      const { connection } = session;
      if (!(connection instanceof GatewaySocket)) continue;
      const pings = (connection.pings ??= new PingRecord());
      const reads = pings.progressed(session.takenBytes, connection.sink.writableLength > 0, this.#rate.bytesPerPeriod);
      // A paused connection cannot show traffic.
      pings.silentHeartbeats = session.takeAlive() || connection.isPaused || reads ? 0 : pings.silentHeartbeats + 1;
      if (pings.silentHeartbeats > this.#rate.excusedPeriods(pings.unconfirmedBytes)) silent.push(session);
      else {
        pings.sent(this.#tick, session.sentBytes);
        session.send((ping ??= numberedPing(this.#tick)), 0);
      }
    }
    this.sessions.closeAll(4101, silent);
  }
}
