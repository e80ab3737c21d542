import type { NestExpressApplication } from '@nestjs/platform-express';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Handshake } from './handshake.js';
import { refuseRequest, refuseUpgrade, type Refusal } from './refuse.js';

/** Answers what comes to the entry but is no upgrade, and what is no HTTP at all, with complete responses. */
export function guardHttp(app: NestExpressApplication, server: Server, handshake: Handshake): void {
  app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    if (handshake.isEntry(request)) refuseRequest(response, handshake.plainRefusal(request));
    else next();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else refuseUpgrade(socket, clientError(error));
  });
}

function clientError(error: NodeJS.ErrnoException): Refusal {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return { code: 'handshake_timeout' };
  if (error.code === 'HPE_HEADER_OVERFLOW') return { code: 'bad_handshake', message: 'The headers are too long.' };
  return { code: 'bad_handshake', message: 'This is not HTTP.' };
}
