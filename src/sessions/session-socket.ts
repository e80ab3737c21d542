import { WebSocket } from 'ws';
import { closeReason, NO_STATUS, textFrame } from '../protocol/index.js';
import type { Identity } from './identity.js';
import type { Session } from './session.js';
import type { SessionRegistry } from './session-registry.js';

/**
 * A `ws` socket whose every write goes through its session's outbox, so that nothing overtakes. Hangs on the documented
 * `WebSocket` class option; `ws` calls `close` itself for a close frame and for each protocol fault, which is where a
 * session learns that it has ended.
 */
export class SessionSocket extends WebSocket {
  session: Session | undefined;
  /** Who was let in; set before the session opens. */
  identity: Identity | undefined;
  registry: SessionRegistry | undefined;

  /**
   * Ends the session with this code and sends what waits and the close frame behind it, with one write. An empty close
   * frame counts as 1005. Without a reason (a close frame that is answered has one, be it empty) that of the table is given.
   */
  override close(code?: number, reason?: string | Buffer): void {
    if (this.readyState !== WebSocket.OPEN || this.session === undefined) return super.close(code, reason);
    const { outbox } = this.session;
    this.registry?.end(this.session, code ?? NO_STATUS);
    outbox.socket.cork();
    outbox.flushAll();
    super.close(code, reason ?? closeReason(code));
    outbox.socket.uncork();
  }

  /** Sends one text frame as it is, in order with everything else. For handlers that know Nest's `client.send`. */
  override send(data: string | Buffer): void {
    this.session?.send(textFrame(data.toString()));
  }
}
