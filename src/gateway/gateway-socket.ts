import type { SessionRateLimiter } from './dispatch/session-rate-limiter.js';
import type { MessageHandlerCallback } from './dispatch/handler-table.js';
import type { FrameTracker } from './frames/frame-tracker.js';
import type { HandlerQueue } from './dispatch/handler-queue.js';
import { SessionSocket } from '../sessions/session-socket.js';

const NONE: readonly MessageHandlerCallback[] = [];

/** A session's socket with what the edge keeps for it. */
export class GatewaySocket extends SessionSocket {
  /** Nest's callbacks of this socket by their place in the handler table. */
  handlers: readonly MessageHandlerCallback[] = NONE;
  /** How much it may still say; none where every such limit is off. */
  sessionRateLimiter: SessionRateLimiter | undefined;
  /** Where `ws` stands in what it was left to read; made when the first frame is left to it. */
  walk: FrameTracker | undefined;
  /** Tells Nest that this socket has closed, with the close code. */
  disconnected: ((code: number) => void) | undefined;
  /** Its handled messages; made when the first one comes. */
  queue: HandlerQueue | undefined;
}
