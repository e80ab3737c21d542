import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApache, type Apache } from '../support/apache.js';
import { connect, type Client } from '../support/client.js';
import { request } from '../support/raw-http.js';
import { LIMITS_OFF, startServer, type TestServer } from '../support/server.js';

const HOST = 'Host: localhost';
const CLOSE = 'Connection: close';
/** The module's own numbers of Debian 12 (mpm_event.conf). */
const DEBIAN_THREADS = `
  StartServers 2
  MinSpareThreads 25
  MaxSpareThreads 75
  ThreadLimit 64
  ThreadsPerChild 25
  MaxRequestWorkers 150
  MaxConnectionsPerChild 0`;

let server: TestServer;
let apache: Apache;
beforeAll(async () => {
  server = await startServer({ ...LIMITS_OFF, ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' });
  apache = await startApache(server.port, DEBIAN_THREADS);
});
afterAll(async () => {
  await apache?.stop();
  await server?.stop();
});

/** Sends bytes to an Apache and returns the head and the body of its response. */
async function exchange({ url, caFile }: Apache, bytes: string): Promise<[head: string, body: string]> {
  const ca = await readFile(caFile);
  const socket = connectTls({ port: Number(new URL(url).port), host: '127.0.0.1', servername: 'localhost', ca });
  socket.write(bytes);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  return [head, body];
}

const HEALTH = request('GET /health/live HTTP/1.1', [HOST, CLOSE]);
const open = async (): Promise<Client> => connect(apache.url, { ca: await readFile(apache.caFile) });

describe('an error of Apache has the form of the application', () => {
  it.each([
    ['no request line', 'GET\r\n\r\n', '400 bad_handshake'],
    ['bytes that are no HTTP', '\u0001\r\n\r\n', '400 bad_handshake'],
    ['no Host', request('GET / HTTP/1.1', []), '400 bad_handshake'],
    ['an address of 90 kB', request(`GET /${'x'.repeat(90_000)} HTTP/1.1`, [HOST, CLOSE]), '414 bad_handshake'],
    ['a header of 90 kB', request('GET / HTTP/1.1', [HOST, CLOSE, `X: ${'x'.repeat(90_000)}`]), '400 bad_handshake'],
    ['an unknown encoding', request('POST / HTTP/1.1', [HOST, CLOSE, 'Transfer-Encoding: x']), '400 bad_handshake'],
    ['an expectation', request('POST / HTTP/1.1', [HOST, CLOSE, 'Expect: x']), '417 bad_handshake'],
    ['TRACE', request('TRACE / HTTP/1.1', [HOST, CLOSE]), '405 method_not_allowed'],
    ['the metrics', request('GET /metrics HTTP/1.1', [HOST, CLOSE]), '403 not_found'],
  ])('for %s', async (_, bytes, expected) => {
    expect(formOf(...(await exchange(apache, bytes)))).toBe(expected);
  });

  it('with Retry-After while the application is down', async () => {
    const alone = await startApache(1);
    const [head, body] = await exchange(alone, HEALTH).finally(() => alone.stop());
    expect(formOf(head, body)).toBe('503 unavailable');
    expect(head).toMatch(/\r\nRetry-After: 2(\r\n|$)/);
  });

  function formOf(head: string, body: string): string {
    expect(head).toMatch(/\r\nContent-Type: application\/json(\r\n|$)/);
    expect(head).toMatch(/\r\nX-Content-Type-Options: nosniff(\r\n|$)/);
    const { error, ...others } = JSON.parse(body) as { error: { code: string; message: string } };
    expect([Object.keys(others), Object.keys(error)]).toEqual([[], ['code', 'message']]);
    return `${/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]} ${error.code}`;
  }
});

describe('Apache has room', () => {
  const clients: Client[] = [];
  afterAll(() => {
    for (const client of clients) client.terminate();
  });

  it('for more WebSockets than Debian allows threads, and for requests beside them', async () => {
    for (let count = 0; count < 160; count++) clients.push(await open());
    expect((await exchange(apache, HEALTH))[0]).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('after reloads, while sessions of each generation stay open', async () => {
    for (let round = 0; round < 8; round++) {
      clients.push(await open(), await open());
      await apache.reload();
    }
    expect((await exchange(apache, HEALTH))[0]).toMatch(/^HTTP\/1\.1 200 /);
    for (const client of clients) await client.settled();
  });
});
