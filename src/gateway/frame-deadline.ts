import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import type { GatewaySocket } from './gateway-socket.js';

/** How many times sessions are looked at during the time that a message is given. */
const LOOKS_PER_TIMEOUT = 4;

/**
 * Ends with 1008 whoever begins a message and does not end it in time, be it that a byte comes now and then. Reading pays
 * nothing for it: the sessions are looked at a few times within that time, and what {@link FrameWalk} knows anyway is
 * compared with the last look.
 */
@Injectable()
export class FrameDeadline implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(SessionRegistry) private readonly sessions: SessionRegistry,
    @Inject(Settings) { frameTimeoutMs }: Settings,
  ) {
    this.#timeoutMs = frameTimeoutMs;
  }

  onApplicationBootstrap(): void {
    if (this.#timeoutMs > 0)
      this.#timer = setInterval(() => this.#look(), Math.ceil(this.#timeoutMs / LOOKS_PER_TIMEOUT));
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    for (const session of this.sessions.all()) if (this.#isLate(session, nowMs)) session.close(1008);
  }

  #isLate({ socket }: Session, nowMs: number): boolean {
    const { walk } = socket as GatewaySocket;
    if (walk === undefined || !walk.open) return false;
    // Whom we do not read cannot end what it began.
    if (walk.seenOpen !== walk.ended || socket.isPaused) {
      walk.seenOpen = walk.ended;
      walk.openSinceMs = nowMs;
    }
    return nowMs - walk.openSinceMs >= this.#timeoutMs;
  }
}
