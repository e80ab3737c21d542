import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { controlFrame, OPCODE } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';

/** Looks at the sessions in a heartbeat: pings are spread over it, and one timer serves all. */
const TICKS = 20;
const PING = controlFrame(OPCODE.ping, new Uint8Array(0));

/**
 * Pings every session once a heartbeat, which also keeps proxies from calling it idle, and closes with 4101 whoever was
 * silent for a whole one.
 *
 *   arrival ──▶ ping ──heartbeatMs──▶ heard since? ping again : 4101
 */
@Injectable()
export class Heartbeat implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #tickMs: number;
  #tick = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sessions: SessionRegistry,
    settings: Settings,
  ) {
    this.#tickMs = Math.max(1, Math.floor(settings.heartbeatMs / TICKS));
    sessions.addListener({ opened: (session) => this.#arrived(session), closed: () => undefined });
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.#beat(), this.#tickMs);
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  #arrived(session: Session): void {
    session.nextPingTick = this.#tick + TICKS;
  }

  #beat(): void {
    this.#tick++;
    for (const session of this.sessions.all()) {
      if (session.nextPingTick > this.#tick) continue;
      session.nextPingTick = this.#tick + TICKS;
      if (!session.alive && !session.socket.isPaused) session.close(4101);
      else {
        session.alive = false;
        session.send(PING);
      }
    }
  }
}
