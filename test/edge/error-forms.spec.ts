import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { exchange, request } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';

const HOST = 'Host: localhost';
const API_KEY = 'a-key-of-many-characters-indeed';
const CLOSE = 'Connection: close';
/** Requests that nginx answers by itself, on both ports. */
const REQUESTS: readonly (readonly [string, string, string])[] = [
  ['no request line', 'GET\r\n\r\n', '400 bad_handshake'],
  ['bytes that are no HTTP', '\u0001\r\n\r\n', '400 bad_handshake'],
  ['an unknown version of HTTP', request('GET / HTTP/9.9', [HOST, CLOSE]), '400 bad_handshake'],
  ['no Host', request('GET / HTTP/1.1', []), '400 bad_handshake'],
  ['an address of 40 kB', request(`GET /${'x'.repeat(40_000)} HTTP/1.1`, [HOST, CLOSE]), '400 bad_handshake'],
  ['a header of 40 kB', request('GET / HTTP/1.1', [HOST, CLOSE, `X: ${'x'.repeat(40_000)}`]), '400 bad_handshake'],
  ['an unknown encoding', request('POST / HTTP/1.1', [HOST, CLOSE, 'Transfer-Encoding: x']), '400 bad_handshake'],
  ['TRACE', request('TRACE / HTTP/1.1', [HOST, CLOSE]), '405 method_not_allowed'],
  ['CONNECT', request('CONNECT localhost:1 HTTP/1.1', [HOST, CLOSE]), '400 bad_handshake'],
];

let server: TestServer;
let nginx: Nginx;
beforeAll(async () => {
  server = await startServer({ API_KEYS: API_KEY });
  nginx = await startNginx({ appPort: server.port });
});
afterAll(async () => {
  await nginx?.stop();
  await server?.stop();
});

/** Holds an answer against the one form and returns `STATUS CODE`. */
function formOf(head: string, body: string): string {
  expect(head).toMatch(/\r\nContent-Type: application\/json/i);
  const parsed = JSON.parse(body) as { error: { code: string; message: string } };
  expect(Object.keys(parsed)).toEqual(['error']);
  expect(Object.keys(parsed.error)).toEqual(['code', 'message']);
  return `${/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]} ${parsed.error.code}`;
}

describe('an error of nginx has the form of the application', () => {
  it.each(REQUESTS)('for %s, on both ports', async (_, bytes, expected) => {
    const sockets = [
      connectTls({ port: nginx.httpsPort, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false }),
      connectTcp(nginx.httpPort, '127.0.0.1'),
    ];
    for (const socket of sockets) {
      // Writes without an end, because nginx answers a half-closed connection with an error page of its own.
      socket.write(bytes);
      const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
      expect(formOf(head, body)).toBe(expected);
    }
  });

  it('for a proof of a certificate that is not there', async () => {
    const { status, body } = await ask(`http://127.0.0.1:${nginx.httpPort}/.well-known/acme-challenge/x`);
    expect(`${status} ${(JSON.parse(body) as { error: { code: string } }).error.code}`).toBe('404 not_found');
  });

  it.each([
    ['closes', {}],
    ['is silent', { RESPONSE_TIMEOUT_MS: '150', HEARTBEAT_MS: '100' }],
  ])('for an application that %s', async (behaviour, variables) => {
    const upstream = createServer((socket) => void (behaviour === 'closes' && socket.destroy())).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const { port } = upstream.address() as AddressInfo;
    const front = await startNginx({ appPort: port, variables });
    const ca = await readFile(front.caFile, 'utf8');
    for (const path of ['/', '/wss']) {
      const { status, body } = await ask(`https://localhost:${front.httpsPort}${path}`, { ca });
      expect(`${status} ${(JSON.parse(body) as { error: { code: string } }).error.code}`).toBe('503 unavailable');
    }
    await front.stop();
    upstream.close();
  });
});

describe('an error of the process has the one form', () => {
  it.each(['/console/%ff', '/docs/%ff', '/%ff', '/health/%ff', '/console/%c0%ae', '/%E0%A4%A'])(
    'for the path %s',
    async (path) => {
      const { status, headers, body } = await ask(`http://127.0.0.1:${server.port}${path}`);
      expect(formOf(`HTTP/1.1 ${status}\r\nContent-Type: ${headers['content-type']}`, body)).toBe('404 not_found');
    },
  );

  it('for a body with a malformed chunk, at once and behind the answers before', async () => {
    const headers = [HOST, `Authorization: Bearer ${API_KEY}`, 'Content-Type: application/json'];
    const broken = `${request('POST /api/v1/messages HTTP/1.1', [...headers, 'Transfer-Encoding: chunked'])}not a length\r\n`;
    const alone = await exchange(server.port, broken);
    expect([alone.status, JSON.parse(alone.body)]).toMatchObject([400, { error: { code: 'bad_handshake' } }]);
    const { status, body } = await exchange(server.port, request('GET /health/live HTTP/1.1', [HOST]) + broken);
    expect(status).toBe(200);
    expect(body).toMatch(/HTTP\/1\.1 400 [\s\S]*bad_handshake/);
  });
});
