import { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const ASKED = Symbol('whether the request has an Upgrade header');
const ENDED = Symbol('whether no more requests are read from a socket');
type MarkedRequest = IncomingMessage & { [ASKED]?: boolean };

/** Makes the next request of a socket end its HTTP, so that the parser reads nothing behind that request. */
export function readNoMoreRequests(socket: Duplex): void {
  Object.assign(socket, { [ENDED]: true });
}

/** Returns whether a request asks for the WebSocket protocol and for no other (RFC 9110, 7.8; RFC 6455, 4.1). */
export function wantsWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * A request that is an upgrade only where it asks for WebSocket. Node reads `upgrade` after the headers. It would emit
 * `upgrade` for every protocol, because the server has a listener. All other protocols are ignored (RFC 9110, 7.8).
 */
export class HttpRequest extends IncomingMessage {
  /** Written by Node's parser before the headers. */
  set upgrade(asked: boolean | null) {
    (this as MarkedRequest)[ASKED] = asked === true;
  }

  get upgrade(): boolean {
    if (ENDED in this.socket) return true;
    return this.wantsOtherProtocol && (this.method === 'CONNECT' || wantsWebSocket(this));
  }

  /** Whether the parser stops behind this request, because it has an `Upgrade` header or is `CONNECT`. */
  get wantsOtherProtocol(): boolean {
    return (this as MarkedRequest)[ASKED] === true;
  }
}
