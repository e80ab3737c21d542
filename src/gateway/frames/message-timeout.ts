import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Settings } from '../../settings/settings.js';
import { GatewaySocket } from '../gateway-socket.js';

/** Checks of each session during one `FRAME_TIMEOUT_MS`. */
const TICKS_PER_TIMEOUT = 4;

/**
 * Closes with 1008 when a message is not finished within `FRAME_TIMEOUT_MS`, even if bytes keep arriving. The check
 * adds no work to reading, because a timer compares the counts that {@link FrameTracker} keeps. Time is counted in
 * ticks of that timer, because ticks stop while the process is paused: bytes that arrive during a pause are not late.
 */
@Injectable()
export class MessageTimeout implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #tickMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sessions: SessionRegistry,
    { frameTimeoutMs }: Settings,
  ) {
    this.#tickMs = Math.ceil(frameTimeoutMs / TICKS_PER_TIMEOUT);
  }

  onApplicationBootstrap(): void {
    if (this.#tickMs > 0) this.#timer = setInterval(() => this.#onTick(), this.#tickMs).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  #onTick(): void {
    const late: Session[] = [];
    for (const session of this.sessions.all()) if (countTick(session)) late.push(session);
    if (late.length > 0) this.sessions.closeAll(1008, late);
  }
}

/** Counts one tick for the unfinished message of a session. Returns whether that message has exceeded its time. */
function countTick({ connection }: Session): boolean {
  if (!(connection instanceof GatewaySocket)) return false;
  const { frameTracker, isPaused } = connection;
  if (frameTracker === undefined || !frameTracker.open) return false;
  // A paused connection cannot finish its message.
  if (frameTracker.messageAtTick !== frameTracker.endedMessages || isPaused) {
    frameTracker.messageAtTick = frameTracker.endedMessages;
    frameTracker.ticksOpen = 0;
  }
  return frameTracker.ticksOpen++ >= TICKS_PER_TIMEOUT;
}
