import { Logger } from '@nestjs/common';
import { unwatchFile, watchFile } from 'node:fs';
import type { RequestListener, ServerOptions as HttpOptions } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { MAX_INT32 } from '../../settings/check.js';
import type { Settings } from '../../settings/settings.js';
import { rejectUpgrade } from '../http/rejection.js';
import { readTlsFiles } from './tls-files.js';

/** The first byte of every TLS connection: a handshake record (RFC 8446, 5.1). */
const HANDSHAKE_RECORD = 22;

/**
 * Creates an HTTPS server for TLS 1.2 and newer. Requires client certificates where `TLS_CLIENT_CA_FILE` is set,
 * reloads changed files, and answers plain HTTP with `bad_handshake`.
 */
export function createTlsServer(
  settings: Settings,
  files: SecureContextOptions,
  http: HttpOptions,
  listener: RequestListener,
): Server {
  const { tlsClientCaFile, handshakeTimeoutMs } = settings;
  const asksForCertificate = tlsClientCaFile !== undefined;
  const server = createServer(
    {
      ...http,
      ...files,
      handshakeTimeout: handshakeTimeoutMs || MAX_INT32, // Node replaces 0 by its default of 120 s
      requestCert: asksForCertificate,
      rejectUnauthorized: asksForCertificate,
    },
    listener,
  );
  // Before the listener of Node, which would have `clientError` answer on a connection that has no TLS yet.
  server.prependListener('tlsClientError', (_, socket) => void socket.destroy());
  answerPlainHttp(server, handshakeTimeoutMs);
  reloadOnChange(server, settings);
  return server;
}

/** Checks the first byte of a connection before TLS reads it, because TLS would close plain HTTP without a response. */
function answerPlainHttp(server: Server, timeoutMs: number): void {
  const [startTls] = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const destroy = (): void => void socket.destroy();
    socket.on('error', destroy);
    socket.setTimeout(timeoutMs, destroy);
    socket.once('readable', () => {
      const first = socket.read(1) as Buffer | null;
      if (first === null) return destroy();
      socket.setTimeout(0, destroy).off('timeout', destroy).off('error', destroy);
      if (first[0] !== HANDSHAKE_RECORD)
        return rejectUpgrade(socket, {
          code: 'bad_handshake',
          message: 'This port speaks TLS: use https or wss.',
        });
      socket.unshift(first);
      startTls!.call(server, socket);
    });
  });
}

/** Reloads certificate, key and CA when one of the files changes. Open connections keep their certificate. */
function reloadOnChange(server: Server, settings: Settings): void {
  const { tlsCertFile, tlsKeyFile, tlsClientCaFile, tlsReloadMs } = settings;
  if (tlsReloadMs === 0) return;
  const logger = new Logger('Tls');
  const reload = (): void => {
    try {
      server.setSecureContext(readTlsFiles(settings)!);
      logger.warn('reloaded TLS certificate');
    } catch (error) {
      // The certificate may be written before its key: the next change triggers another reload.
      logger.error(`cannot reload TLS certificate, keeping the current one: ${(error as Error).message}`);
    }
  };
  const files = [tlsCertFile, tlsKeyFile, tlsClientCaFile].filter((file) => file !== undefined);
  for (const file of files) watchFile(file, { interval: tlsReloadMs, persistent: false }, reload);
  server.once('close', () => {
    for (const file of files) unwatchFile(file, reload);
  });
}
