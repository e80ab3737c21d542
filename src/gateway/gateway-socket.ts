import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { closeReason, NO_STATUS, textFrame } from '../protocol/index.js';
import type { Connection } from '../sessions/connection.js';
import type { Session } from '../sessions/session.js';
import type { MessageHandlerCallback } from './dispatch/handler-table.js';
import type { HandlerQueue } from './dispatch/handler-queue.js';
import type { SessionRateLimiter } from './dispatch/session-rate-limiter.js';
import type { FrameTracker } from './frames/frame-tracker.js';

const NO_HANDLERS: readonly MessageHandlerCallback[] = [];

/**
 * A WebSocket that is the connection of a session, and the client that Nest passes to gateways. `ws` creates it through
 * the documented `WebSocket` option of its server. Every write goes through the outbox of the session, so that no frame
 * overtakes another. `ws` calls `close` itself for a close frame and for each protocol error.
 */
export class GatewaySocket extends WebSocket implements Connection {
  /** The TCP or TLS socket. Written by `SocketEvents`, before the session opens. */
  sink!: Socket;
  /** Written by {@link attach}. */
  session: Session | undefined;

  /** Nest's callbacks by their index in the handler table. Written by `SwitchboardAdapter`. */
  handlers: readonly MessageHandlerCallback[] = NO_HANDLERS;
  /** Passes the close code to Nest's disconnect hooks. Written by `SwitchboardAdapter`. */
  disconnected: ((code: number) => void) | undefined;
  /** `undefined` where all rate limits are off. Written by `SwitchboardAdapter`. */
  sessionRateLimiter: SessionRateLimiter | undefined;

  /** Position in the bytes that `ws` reads. Written by the frame reader with the first frame for `ws`. */
  frameTracker: FrameTracker | undefined;
  /** Handled messages of the session. Written by the dispatcher with the first one. */
  queue: HandlerQueue | undefined;

  get bytesRead(): number {
    return this.sink.bytesRead;
  }

  get bytesWritten(): number {
    return this.sink.bytesWritten;
  }

  get isClosed(): boolean {
    return this.readyState === WebSocket.CLOSED;
  }

  /** Makes this socket the connection of a session. */
  attach(session: Session): void {
    this.session = session;
    session.attach(this);
  }

  /**
   * Ends the session with this code, and sends the frames that wait and the close frame with one write. An empty close
   * frame counts as 1005. A missing reason is taken from the table of close codes; the answer to a close frame has one.
   */
  override close(code?: number, reason?: string | Buffer): void {
    if (this.readyState !== WebSocket.OPEN || this.session === undefined) return super.close(code, reason);
    this.session.end(code ?? NO_STATUS);
    this.queue?.drop();
    this.sink.cork();
    this.session.outbox.flushAll();
    super.close(code, reason ?? closeReason(code));
    this.sink.uncork();
  }

  /** Sends one text frame in order with all others. For handlers that call Nest's `client.send`. */
  override send(data: string | Buffer): void {
    this.session?.send(textFrame(data.toString()));
  }

  onceClosed(listener: (code: number) => void): void {
    this.once('close', listener);
  }

  countError(code: string): boolean {
    return this.sessionRateLimiter?.recordError(code) === true;
  }
}
