import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { MinimumRate } from '../../limits/minimum-rate.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Settings } from '../../settings/settings.js';
import { GatewaySocket } from '../gateway-socket.js';

/** Checks of each session during one `FRAME_TIMEOUT_MS`. */
const TICKS_PER_TIMEOUT = 4;

/**
 * Closes with 4104 when an unfinished message makes too little progress: fewer bytes within `FRAME_TIMEOUT_MS` than
 * `MIN_BYTES_PER_SECOND` makes in that time. A long message over a slow link may so take longer, and a byte now and then
 * does not keep a message open. The check adds no work to reading, because a timer compares the counts that
 * {@link FrameTracker} keeps. Time is counted in ticks of that timer, because ticks stop while the process is paused:
 * bytes that arrive during a pause are not late.
 */
@Injectable()
export class MessageTimeout implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #tickMs: number;
  readonly #rate: MinimumRate;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sessions: SessionRegistry,
    { frameTimeoutMs, minBytesPerSecond }: Settings,
  ) {
    this.#tickMs = Math.ceil(frameTimeoutMs / TICKS_PER_TIMEOUT);
    this.#rate = new MinimumRate(minBytesPerSecond, frameTimeoutMs);
  }

  onApplicationBootstrap(): void {
    if (this.#tickMs > 0) this.#timer = setInterval(() => this.#onTick(), this.#tickMs).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  #onTick(): void {
    const late: Session[] = [];
    for (const session of this.sessions.all()) if (this.#isLate(session)) late.push(session);
    if (late.length > 0) this.sessions.closeAll(4104, late);
  }

  /** Counts one tick for the unfinished message of a session. Returns whether that message is too slow. */
  #isLate({ connection }: Session): boolean {
    if (!(connection instanceof GatewaySocket)) return false;
    const { frameTracker, isPaused } = connection;
    if (frameTracker === undefined || !frameTracker.open) return false;
    const { endedMessages, messageBytes, messageAtTick, bytesAtTick } = frameTracker;
    const hasProgress = messageBytes - bytesAtTick >= this.#rate.bytesPerPeriod;
    // A paused connection cannot finish its message.
    if (messageAtTick !== endedMessages || hasProgress || isPaused) {
      frameTracker.messageAtTick = endedMessages;
      frameTracker.bytesAtTick = messageBytes;
      frameTracker.ticksOpen = 0;
    }
    return frameTracker.ticksOpen++ >= TICKS_PER_TIMEOUT;
  }
}
