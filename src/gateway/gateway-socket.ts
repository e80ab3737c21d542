import type { Allowance } from './allowance.js';
import type { MessageHandlerCallback } from './handler-table.js';
import type { FrameWalk } from './frame-walk.js';
import type { HandlerQueue } from './handler-queue.js';
import { SessionSocket } from '../sessions/session-socket.js';

const NONE: readonly MessageHandlerCallback[] = [];

/** A session's socket with what the edge keeps for it. */
export class GatewaySocket extends SessionSocket {
  /** Nest's callbacks of this socket by their place in the handler table. */
  handlers: readonly MessageHandlerCallback[] = NONE;
  /** How much it may still say; none where every such limit is off. */
  allowance: Allowance | undefined;
  /** Where `ws` stands in what it was left to read; made when the first frame is left to it. */
  walk: FrameWalk | undefined;
  /** Tells Nest that this socket has closed, with the close code. */
  disconnected: ((code: number) => void) | undefined;
  /** Its handled messages; made when the first one comes. */
  queue: HandlerQueue | undefined;
}
