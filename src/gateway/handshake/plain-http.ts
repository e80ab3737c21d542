import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HandshakeMetrics } from './handshake-metrics.js';
import { HEADERS_TOO_LONG } from './header-limits.js';
import { requestPath, WRONG_METHOD, type Handshake } from './handshake.js';
import type { OriginPolicy } from './origin-policy.js';
import { intercept } from '../http/intercept.js';
import { rejectRequest, rejectUpgrade, type HandshakeRejection } from '../http/rejection.js';

/**
 * Rejects with complete responses: requests to the WebSocket path that are not upgrades, requests under a foreign name,
 * `CONNECT`, and invalid HTTP.
 */
export function rejectPlainHttp(
  server: Server,
  handshake: Handshake,
  origins: OriginPolicy,
  metrics: HandshakeMetrics,
): void {
  intercept(server, 'request', (next, request: IncomingMessage, response: ServerResponse) => {
    const rejection = handshake.isWebSocketPath(request)
      ? handshake.plainRejection(request)
      : origins.hostRejection(requestPath(request), request);
    if (rejection === undefined) return next();
    metrics.rejected(request, rejection.code, rejection.reason);
    rejectRequest(response, rejection);
  });
  // Without a listener Node destroys the connection without a response.
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    metrics.rejected(request, WRONG_METHOD.code);
    rejectUpgrade(socket, WRONG_METHOD);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const rejection = clientErrorRejection(error);
    metrics.rejectedUnparsed(socket, rejection.code);
    rejectUpgrade(socket, rejection);
  });
}

function clientErrorRejection(error: NodeJS.ErrnoException): HandshakeRejection {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return { code: 'handshake_timeout' };
  if (error.code === 'HPE_HEADER_OVERFLOW') return HEADERS_TOO_LONG;
  return { code: 'bad_handshake', message: 'This is not HTTP.' };
}
