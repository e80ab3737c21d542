import type { NestExpressApplication } from '@nestjs/platform-express';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HandshakeMetrics } from './handshake-metrics.js';
import { WRONG_METHOD, type Handshake } from './handshake.js';
import { rejectRequest, rejectUpgrade, type HandshakeRejection } from './rejection.js';

/** Answers what comes to the entry but is no upgrade, and what is no HTTP at all, with complete responses. */
export function guardHttp(
  app: NestExpressApplication,
  server: Server,
  handshake: Handshake,
  record: HandshakeMetrics,
): void {
  app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    if (!handshake.isEntry(request)) return next();
    const refusal = handshake.plainRefusal(request);
    record.refused(request, refusal.code);
    rejectRequest(response, refusal);
  });
  // No proxy: Node would hang up without a word.
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    record.refused(request, WRONG_METHOD.code);
    rejectUpgrade(socket, WRONG_METHOD);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const refusal = clientError(error);
    record.unread(socket, refusal.code);
    rejectUpgrade(socket, refusal);
  });
}

function clientError(error: NodeJS.ErrnoException): HandshakeRejection {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return { code: 'handshake_timeout' };
  if (error.code === 'HPE_HEADER_OVERFLOW') return { code: 'bad_handshake', message: 'The headers are too long.' };
  return { code: 'bad_handshake', message: 'This is not HTTP.' };
}
