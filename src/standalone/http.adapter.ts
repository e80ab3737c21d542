import { ExpressAdapter } from '@nestjs/platform-express';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { SettingsError } from '../settings/environment.js';
import type { Settings } from '../settings/settings.js';
import { PROXY_HEADER_BYTES } from '../gateway/handshake/header-limits.js';
import { HttpRequest } from '../gateway/http/http-request.js';
import { rejectRequest } from '../gateway/http/rejection.js';
import { routesOf, type RoutedApp, type Route } from '../gateway/http/routes.js';
import { readTlsFiles } from '../gateway/tls/tls-files.js';
import { createTlsServer } from '../gateway/tls/tls-server.js';
import type { UnixListener } from './unix-listener.js';

/** Checks for slow headers within one `HANDSHAKE_TIMEOUT_MS`. */
const CHECKS_PER_TIMEOUT = 5;
/** Check interval where `HANDSHAKE_TIMEOUT_MS` is 0, because Node requires one. */
const IDLE_CHECK_MS = 30_000;

/**
 * Creates the HTTP or HTTPS server of Nest's Express adapter. Slow headers time out after `HANDSHAKE_TIMEOUT_MS`.
 * `Handshake` checks the `Host` header instead of Node, so that the rejection has the usual body.
 */
export class HttpAdapter extends ExpressAdapter {
  /** Gets the routes of the application once Nest has registered all of them; an error ends the start. */
  onRoutes: ((routes: readonly Route[]) => void) | undefined;
  /** The Unix socket of `LISTEN`; closes with the server. */
  unixListener: UnixListener | undefined;

  constructor(private readonly settings: Settings) {
    super();
  }

  override initHttpServer(): void {
    const { handshakeTimeoutMs, maxHeaderBytes } = this.settings;
    const timeouts = {
      headersTimeout: handshakeTimeoutMs,
      maxHeaderSize: maxHeaderBytes + PROXY_HEADER_BYTES, // `ConnectionLimits` counts those of the client
      requestTimeout: 0, // `ConnectionLimits` watches the progress of bodies
      connectionsCheckingInterval: Math.ceil(handshakeTimeoutMs / CHECKS_PER_TIMEOUT) || IDLE_CHECK_MS,
      requireHostHeader: false,
      IncomingMessage: HttpRequest,
    };
    const listener = this.getInstance<RequestListener>();
    const files = readTlsFiles(this.settings);
    if (files !== undefined && this.settings.listen !== undefined)
      throw new SettingsError([
        'LISTEN is for a proxy that ends TLS, and TLS_CERT_FILE for this process: set one of them',
      ]);
    this.httpServer =
      files === undefined
        ? createServer(timeouts, listener)
        : createTlsServer(this.settings, files, timeouts, listener);
  }

  /** Stops listening everywhere at one moment, and waits for the connections of both sockets. */
  override async close(): Promise<void> {
    await Promise.all([super.close(), this.unixListener?.close()]);
  }

  /** Answers paths outside a global prefix, too. Nest would leave them to Express, which answers in HTML. */
  override setNotFoundHandler(...parameters: Parameters<ExpressAdapter['setNotFoundHandler']>): void {
    this.onRoutes?.(routesOf(this.getInstance<RoutedApp>()));
    super.setNotFoundHandler(...parameters);
    this.use((_: IncomingMessage, response: ServerResponse) => rejectRequest(response, { code: 'not_found' }));
  }
}
