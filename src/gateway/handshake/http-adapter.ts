import { ExpressAdapter } from '@nestjs/platform-express';
import { createServer, type RequestListener } from 'node:http';
import type { Settings } from '../../settings/settings.js';
import { readTlsFiles } from '../tls/tls-files.js';
import { createTlsServer } from '../tls/tls-server.js';

/** How often unfinished requests are looked for during the time they are given. */
const LOOKS_PER_TIMEOUT = 5;
/** Between two looks where they are given for ever: Node wants a number. */
const IDLE_LOOK_MS = 30_000;

/** Nest's Express adapter with a server whose slow requests end when the operator says so, and which leaves `Host` to us. */
export class HttpAdapter extends ExpressAdapter {
  constructor(private readonly settings: Settings) {
    super();
  }

  override initHttpServer(): void {
    const { handshakeTimeoutMs } = this.settings;
    const timeouts = {
      headersTimeout: handshakeTimeoutMs,
      requestTimeout: handshakeTimeoutMs,
      connectionsCheckingInterval: Math.ceil(handshakeTimeoutMs / LOOKS_PER_TIMEOUT) || IDLE_LOOK_MS,
      requireHostHeader: false,
    };
    const listener = this.getInstance<RequestListener>();
    const files = readTlsFiles(this.settings);
    this.httpServer =
      files === undefined
        ? createServer(timeouts, listener)
        : createTlsServer(this.settings, files, timeouts, listener);
  }
}
