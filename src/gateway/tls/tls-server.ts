import { Logger } from '@nestjs/common';
import { unwatchFile, watchFile } from 'node:fs';
import type { RequestListener, ServerOptions as HttpOptions } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { MAX_INT32 } from '../../settings/check.js';
import type { Settings } from '../../settings/settings.js';
import { rejectUpgrade } from '../handshake/rejection.js';
import { readTlsFiles } from './tls-files.js';

/** The first byte of every TLS connection: a handshake record (RFC 8446, 5.1). */
const HANDSHAKE_RECORD = 22;

/**
 * Makes the server of a process that speaks TLS itself: 1.2 and newer, certificates of clients where there is an authority
 * for them, renewed files taken up while connections go on, and a plain word to who speaks plain HTTP.
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
      handshakeTimeout: handshakeTimeoutMs || MAX_INT32, // 0 would be Node's own 120 s
      requestCert: asksForCertificate,
      rejectUnauthorized: asksForCertificate,
    },
    listener,
  );
  answerPlainHttp(server, handshakeTimeoutMs);
  takeUpRenewed(server, settings);
  return server;
}

/** Looks at the first byte of a connection before TLS does: TLS would only hang up on plain HTTP. */
function answerPlainHttp(server: Server, timeoutMs: number): void {
  const [startTls] = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const hangUp = (): void => void socket.destroy();
    socket.on('error', hangUp);
    socket.setTimeout(timeoutMs, hangUp);
    socket.once('readable', () => {
      const first = socket.read(1) as Buffer | null;
      if (first === null) return hangUp();
      socket.setTimeout(0, hangUp).off('timeout', hangUp).off('error', hangUp);
      if (first[0] !== HANDSHAKE_RECORD)
        return rejectUpgrade(socket.resume(), {
          code: 'bad_handshake',
          message: 'This port speaks TLS: use https or wss.',
        });
      socket.unshift(first);
      startTls!.call(server, socket);
    });
  });
}

/** Takes up files that have changed; connections that are open go on with what they began with. */
function takeUpRenewed(server: Server, settings: Settings): void {
  const { tlsCertFile, tlsKeyFile, tlsClientCaFile, tlsReloadMs } = settings;
  if (tlsReloadMs === 0) return;
  const logger = new Logger('Tls');
  const renew = (): void => {
    try {
      server.setSecureContext(readTlsFiles(settings)!);
      logger.warn('took up the renewed certificate');
    } catch (error) {
      // Half of a pair may be written before the other: the next change is looked at again.
      logger.error(`the certificate in use stays: ${(error as Error).message}`);
    }
  };
  const files = [tlsCertFile, tlsKeyFile, tlsClientCaFile].filter((file) => file !== undefined);
  for (const file of files) watchFile(file, { interval: tlsReloadMs, persistent: false }, renew);
  server.once('close', () => {
    for (const file of files) unwatchFile(file, renew);
  });
}
