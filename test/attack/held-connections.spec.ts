import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTcp, type Server as NetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { makeCertificates } from '../support/certificates.js';
import { request, UPGRADE_HEADERS } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';

const HANDSHAKE_TIMEOUT_MS = '300';
const CONNECTIONS = 50;

let folder: string;
let server: TestServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchboard-held-'));
  await makeCertificates(folder);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => server.stop());

function tlsFiles(): Record<string, string> {
  return { TLS_CERT_FILE: join(folder, 'server.crt'), TLS_KEY_FILE: join(folder, 'server.key') };
}

/** Opens connections that write these bytes, read nothing and never end their own half. */
async function open(count: number, bytes: Buffer | string): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connectTcp({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(bytes);
      return socket;
    }),
  );
}

/** Resolves when the server has no connection left. */
async function allClosed(): Promise<void> {
  while ((await connections()) > 0) await delay(20);
}

function connections(): Promise<number> {
  return new Promise((resolve, reject) => {
    const http = server.app.getHttpServer() as NetServer;
    http.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

describe('a server with TLS closes connections that', () => {
  it.each([
    ['send the first byte of a TLS record and nothing more', Buffer.from([0x16])],
    ['send half a TLS record', Buffer.from([0x16, 3, 1, 2, 0, 1, 0])],
    ['send a TLS record that is not a handshake', Buffer.from([0x16, 3, 1, 0, 2, 9, 9])],
    ['send no byte', ''],
    ['send plain HTTP and do not read the answer', request('GET /wss HTTP/1.1')],
  ])('%s', async (_, bytes) => {
    server = await startServer({ ...tlsFiles(), HANDSHAKE_TIMEOUT_MS });
    await open(CONNECTIONS, bytes);
    await allClosed();
  });

  it('send one byte of a TLS handshake now and then', async () => {
    server = await startServer({ ...tlsFiles(), HANDSHAKE_TIMEOUT_MS });
    const sockets = await open(5, Buffer.from([0x16, 3, 1, 2, 0]));
    const drip = setInterval(() => sockets.forEach((socket) => socket.write(Buffer.from([0]))), 50);
    await allClosed();
    clearInterval(drip);
  });

  it('finish the TLS handshake and send no request', async () => {
    server = await startServer({ ...tlsFiles(), HANDSHAKE_TIMEOUT_MS });
    const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    await allClosed();
  });

  it('are silent when the server stops', async () => {
    server = await startServer({ ...tlsFiles(), HANDSHAKE_TIMEOUT_MS: '600000' });
    const [socket] = await open(1, '');
    await server.stop();
    socket!.destroy();
  });
});

describe('a server closes connections that', () => {
  it.each([
    ['do not read why their upgrade is rejected', request('GET /nowhere HTTP/1.1')],
    ['do not read why CONNECT is rejected', request('CONNECT localhost:1 HTTP/1.1', ['Host: localhost'])],
    ['do not read that they sent no HTTP', '\u0000\r\n\r\n'],
    ['do not read that half a request is too late', 'GET /wss HTTP/1.1\r\nHost: localhost\r\n'],
    [
      'do not read the answer to a request',
      request('GET /client.js HTTP/1.1', ['Host: localhost', 'Connection: close']),
    ],
  ])('%s', async (_, bytes) => {
    server = await startServer({ HANDSHAKE_TIMEOUT_MS });
    for (const socket of await open(CONNECTIONS, bytes)) socket.pause();
    await allClosed();
  });

  it('have ended their half in the middle of a request', async () => {
    server = await startServer({ HANDSHAKE_TIMEOUT_MS: '600000' });
    for (const socket of await open(CONNECTIONS, `GET /wss HTTP/1.1\r\n${UPGRADE_HEADERS[0]}\r\n`)) socket.end();
    await allClosed();
  });

  it('send many requests and do not read the responses', async () => {
    server = await startServer({ HANDSHAKE_TIMEOUT_MS: '600000', RESPONSE_TIMEOUT_MS: '300' });
    const [socket] = await open(1, '');
    socket!.pause();
    const asking = setInterval(() => socket!.write(request('GET /asyncapi.json HTTP/1.1', ['Host: localhost'])), 1);
    await allClosed();
    clearInterval(asking);
  });

  it('send requests, do not read the responses, and then request an upgrade', async () => {
    server = await startServer({ HANDSHAKE_TIMEOUT_MS: '600000', RESPONSE_TIMEOUT_MS: '300' });
    const [socket] = await open(1, '');
    socket!.pause();
    for (let round = 0; round < 40; round++) {
      socket!.write(request('GET /asyncapi.json HTTP/1.1', ['Host: localhost']).repeat(10));
      await delay(5);
    }
    socket!.write(request('GET /nowhere HTTP/1.1'));
    await allClosed();
  });
});
