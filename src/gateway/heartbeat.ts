import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { controlFrame, OPCODE } from '../protocol/index.js';
import type { SessionListener } from '../sessions/session-listener.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';

/** Ticks of one heartbeat. Pings are spread over the ticks, and one timer serves all sessions. */
const TICKS_PER_HEARTBEAT = 20;
const PING = controlFrame(OPCODE.ping, new Uint8Array(0));

/**
 * Pings every session once a heartbeat, and closes with 4101 each session without traffic for a whole heartbeat.
 * The pings also keep proxies from closing idle connections.
 *
 *   opened ──▶ ping ──heartbeatMs──▶ traffic since? ping : close 4101
 */
@Injectable()
export class Heartbeat implements SessionListener, OnApplicationBootstrap, OnApplicationShutdown {
  readonly #tickMs: number;
  #tick = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sessions: SessionRegistry,
    settings: Settings,
  ) {
    this.#tickMs = Math.max(1, Math.floor(settings.heartbeatMs / TICKS_PER_HEARTBEAT));
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

  #onTick(): void {
    this.#tick++;
    const silent: Session[] = [];
    for (const session of this.sessions.all()) {
      if (session.nextPingTick > this.#tick) continue;
      session.nextPingTick = this.#tick + TICKS_PER_HEARTBEAT;
      // A paused connection cannot show traffic.
      if (!session.takeAlive() && session.connection?.isPaused !== true) silent.push(session);
      else session.send(PING, 0);
    }
    this.sessions.closeAll(4101, silent);
  }
}
