import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { checkClose, closeReason, NO_STATUS, textFrame } from '../protocol/index.js';
import type { Connection } from '../sessions/connection.js';
import type { Session } from '../sessions/session.js';
import type { MessageHandlerCallback } from './dispatch/handler-table.js';
import type { HandlerQueue } from './dispatch/handler-queue.js';
import type { SessionRateLimiter } from './dispatch/session-rate-limiter.js';
import type { FrameTracker } from './frames/frame-tracker.js';

const NO_HANDLERS: MessageHandlerCallback[] = [];

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

  /** Set when both directions have ended. Written by `SocketEvents`. */
  closeCode: number | undefined;
  /** Nest's callbacks by their index in the handler table. Written by `SwitchboardAdapter`. */
  handlers = NO_HANDLERS;
  /** Passes the close code to Nest's disconnect hooks. Written by `SwitchboardAdapter`. */
  disconnected: ((code: number) => void) | undefined;
  /** `undefined` where all rate limits are off. Written by `SwitchboardAdapter`. */
  sessionRateLimiter: SessionRateLimiter | undefined;

  /** Bytes read since the socket last waited for a turn. Written by the frame reader. */
  readBytes = 0;
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

  /** Makes this socket the connection of a session. */
  attach(session: Session): void {
    this.session = session;
    session.attach(this);
  }

  /**
   * Ends the session with this code, and sends the frames that wait and the close frame with one write. An empty close
   * frame counts as 1005. A missing reason is taken from the table of close codes; the answer to a close frame has one.
   *
   * @throws {RangeError | TypeError} for a code or a reason that no close frame may have; the session stays open
   */
  override close(code?: number, reason?: string | Buffer): void {
    checkClose(code, reason);
    if (this.readyState !== WebSocket.OPEN || this.session === undefined) return super.close(code, reason);
    this.session.end(code ?? NO_STATUS);
    this.queue?.drop();
    this.sink.cork();
    try {
      this.session.outbox.flushAll();
    } finally {
      super.close(code, reason ?? closeReason(code));
      this.sink.uncork();
      this.session.resumeForClose();
    }
  }

  /**
   * Sends one text frame in order with all others. For handlers that call Nest's `client.send`.
   *
   * @throws {TypeError} for data that is not text
   */
  override send(data: string | Buffer): void {
    if (typeof data !== 'string' && !Buffer.isBuffer(data))
      throw new TypeError('client.send sends a string or a Buffer of text; use JSON.stringify for objects');
    this.session?.send(textFrame(data.toString()));
  }

  onceClosed(listener: (code: number) => void): void {
    if (this.closeCode === undefined) this.once('close', listener);
    else listener(this.closeCode);
  }

  countError(code: string): boolean {
    return this.sessionRateLimiter?.recordError(code) === true;
  }

  chargeAnswer(bytes: number): void {
    this.sessionRateLimiter?.chargeAnswer(bytes);
  }

  chargeBroadcast(receivers: number): number {
    return this.sessionRateLimiter?.chargeBroadcast(receivers) ?? 0;
  }
}
