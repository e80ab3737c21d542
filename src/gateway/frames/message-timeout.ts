import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Settings } from '../../settings/settings.js';
import type { GatewaySocket } from '../gateway-socket.js';

/** How many times sessions are looked at during the time that a message is given. */
const LOOKS_PER_TIMEOUT = 4;

/**
 * Ends with 1008 whoever begins a message and does not end it in time, be it that a byte comes now and then. Reading pays
 * nothing for it: the sessions are looked at a few times within that time, and what {@link FrameWalk} knows anyway is
 * compared with the last look. It counts looks and not milliseconds: a process that was stopped for a while has not read
 * what came meanwhile, and nobody is to blame for that.
 */
@Injectable()
export class MessageTimeout implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #lookMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sessions: SessionRegistry,
    { frameTimeoutMs }: Settings,
  ) {
    this.#lookMs = Math.ceil(frameTimeoutMs / LOOKS_PER_TIMEOUT);
  }

  onApplicationBootstrap(): void {
    if (this.#lookMs > 0) this.#timer = setInterval(() => this.#look(), this.#lookMs);
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const session of this.sessions.all()) if (this.#isLate(session)) session.close(1008);
  }

  #isLate({ socket }: Session): boolean {
    const { walk } = socket as GatewaySocket;
    if (walk === undefined || !walk.open) return false;
    // Whom we do not read cannot end what it began.
    if (walk.seenOpen !== walk.ended || socket.isPaused) {
      walk.seenOpen = walk.ended;
      walk.looksOpen = 0;
    }
    return walk.looksOpen++ >= LOOKS_PER_TIMEOUT;
  }
}
