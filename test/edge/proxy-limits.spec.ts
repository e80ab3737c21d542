import { Controller, Get, Header, Module, Post, Req } from '@nestjs/common';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApache, type Apache } from '../support/apache.js';
import { connect, type Client } from '../support/client.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { request, UPGRADE_HEADERS } from '../support/raw-http.js';
import { LIMITS_OFF, startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const API_KEY = 'a-key-of-many-characters-indeed';
const MAX_MESSAGE_BYTES = 262_144;
const MAX_HEADER_BYTES = 16_384;
const MAX_HEADERS = 100;
const HOST = 'Host: localhost';
const CLOSE = 'Connection: close';
/** Apache answers 414 to an address over its own limit. */
const REFUSED = /^(400|414) \{"error":\{"code":"bad_handshake","message":"[^"]+"\}\}$/;

@Controller()
class SizesController {
  @Post('upload')
  async upload(@Req() body: IncomingMessage): Promise<{ bytes: number }> {
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) bytes += chunk.length;
    return { bytes };
  }

  @Get('wide')
  @Header('Set-Cookie', `session=${'x'.repeat(12_000)}`)
  wide(): { ok: true } {
    return { ok: true };
  }
}
@Module({ controllers: [SizesController] })
class SizesModule {}

/** The ways to one application. */
interface Way {
  readonly port: number;
  readonly url: string;
  readonly ca?: string;
}
let server: TestServer;
let nginx: Nginx;
let apache: Apache;
let ways: Record<'straight' | 'nginx' | 'Apache', Way>;

beforeAll(async () => {
  server = await startServer(
    {
      ...LIMITS_OFF,
      ...AUTH,
      AUTH: 'optional',
      API_KEYS: API_KEY,
      FRONT_PROXIES: '127.0.0.1',
      MAX_MESSAGE_BYTES: String(MAX_MESSAGE_BYTES),
    },
    [SizesModule],
  );
  nginx = await startNginx({ appPort: server.port, variables: LIMITS_OFF });
  apache = await startApache(server.port);
  ways = {
    straight: { port: server.port, url: server.url },
    nginx: { port: nginx.httpsPort, url: nginx.url, ca: await readFile(nginx.caFile, 'utf8') },
    Apache: { port: Number(new URL(apache.url).port), url: apache.url, ca: await readFile(apache.caFile, 'utf8') },
  };
});
afterAll(async () => {
  await apache?.stop();
  await nginx?.stop();
  await server?.stop();
});

/** Sends bytes and returns the status and the body of the response; of an accepted upgrade the status alone. */
async function answer({ port, ca }: Way, bytes: string): Promise<string> {
  const host = '127.0.0.1';
  const socket =
    ca === undefined ? connectTcp({ port, host }) : connectTls({ port, host, servername: 'localhost', ca });
  socket.write(bytes);
  const [first] = (await once(socket, 'data')) as [Buffer];
  if (String(first).startsWith('HTTP/1.1 101')) {
    socket.destroy();
    return '101';
  }
  const [head = '', body = ''] = (String(first) + (await text(socket))).split('\r\n\r\n');
  return `${/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]} ${body}`;
}

/** Compares the answers on all ways and returns the common one. */
async function common(ask: (way: Way) => Promise<string>): Promise<string> {
  const [straight, ...proxied] = await Promise.all(Object.values(ways).map(ask));
  expect(proxied).toEqual([straight, straight]);
  return straight!;
}

const open = async ({ url, ca }: Way, headers: Record<string, string> = {}): Promise<Client> =>
  connect(url, { headers, ...(ca !== undefined && { ca }) });

/** Lines of a request so long that the address, and the names and values but `Connection`, have so many bytes. */
function filled(line: string, headers: readonly string[], bytes: number): string {
  const others = headers.filter((header) => !header.startsWith('Connection'));
  const used = line.split(' ')[1]!.length + others.join('').replaceAll(': ', '').length + 'X'.length;
  return request(line, [...headers, `X: ${'x'.repeat(bytes - used)}`]);
}

it('nginx follows a raised MAX_HEADER_BYTES, and Apache takes it without', async () => {
  const raised = await startServer({ ...AUTH, MAX_HEADER_BYTES: '40000' });
  const [one, other] = [
    await startNginx({ appPort: raised.port, variables: { MAX_HEADER_BYTES: '40000' } }),
    await startApache(raised.port),
  ];
  const options = bearer(await token({ claims: { groups: 'g'.repeat(28_000) } }));
  await (await connect(raised.url, options)).close(1000);
  for (const { url, caFile } of [one, other])
    await (await connect(url, { ...options, ca: await readFile(caFile) })).close(1000);
  await Promise.all([one.stop(), other.stop()]);
  await raised.stop();
});

it('a body that stops is answered 408 by the application, behind nginx, too', async () => {
  const variables = { HANDSHAKE_TIMEOUT_MS: '1000' };
  const impatient = await startServer({ ...variables, FRONT_PROXIES: '127.0.0.1' }, [SizesModule]);
  const front = await startNginx({ appPort: impatient.port, variables });
  const bytes = `${request('POST /upload HTTP/1.1', [HOST, CLOSE, 'Content-Length: 1000'])}x`;
  const own = await answer({ port: impatient.port, url: impatient.url }, bytes);
  const ca = await readFile(front.caFile, 'utf8');
  const proxied = await answer({ port: front.httpsPort, url: front.url, ca }, bytes);
  expect(own).toMatch(/^408 .*"handshake_timeout"/);
  expect(proxied).toBe(own);
  await front.stop();
  await impatient.stop();
});

describe('the limits of the application hold behind each proxy:', () => {
  it.each([
    ['below', -1, '200'],
    ['at', 0, '200'],
    ['above', 1, '400'],
  ])('headers %s MAX_HEADER_BYTES', async (_, over, status) => {
    const bytes = filled('GET /health/live HTTP/1.1', [HOST, CLOSE], MAX_HEADER_BYTES + over);
    expect(await common((way) => answer(way, bytes))).toContain(status);
  });

  it.each([20_000, 60_000, 200_000])('headers and an address of %i bytes', async (length) => {
    const long = 'x'.repeat(length);
    for (const bytes of [
      request('GET / HTTP/1.1', [HOST, CLOSE, `X: ${long}`]),
      request(`GET /${long} HTTP/1.1`, [HOST, CLOSE]),
      request('GET / HTTP/1.1', [HOST, CLOSE, ...Array<string>(length / 1000).fill(`X: ${'x'.repeat(1000)}`)]),
    ])
      for (const way of Object.values(ways)) expect(await answer(way, bytes)).toMatch(REFUSED);
  });

  it.each([
    ['below', -1, '101'],
    ['at', 0, '101'],
    ['above', 1, '400'],
  ])('headers of a handshake %s MAX_HEADER_BYTES', async (_, over, status) => {
    const headers = UPGRADE_HEADERS.map((header) =>
      header.replace('Connection: Upgrade', 'Connection: Upgrade, close'),
    );
    const bytes = filled('GET /wss HTTP/1.1', headers, MAX_HEADER_BYTES + over);
    expect(await common((way) => answer(way, bytes))).toContain(status);
  });

  it.each([
    ['below', -1, '200'],
    ['at', 0, '200'],
    ['above', 1, '400'],
  ])('an address %s MAX_HEADER_BYTES', async (_, over, status) => {
    const path = '/health/live?';
    const used = path.length + 'Hostlocalhost'.length;
    const query = 'x'.repeat(MAX_HEADER_BYTES - used + over);
    const bytes = request(`GET ${path}${query} HTTP/1.1`, [HOST, CLOSE]);
    expect(await common((way) => answer(way, bytes))).toContain(status);
  });

  it.each([
    [MAX_HEADERS - 1, '200'],
    [MAX_HEADERS, '200'],
    [MAX_HEADERS + 1, '400'],
    [500, '400'],
  ])('%i headers', async (count, status) => {
    const many = Array.from({ length: count - 1 }, (_, index) => `X-${index}: y`);
    const bytes = request('GET /health/live HTTP/1.1', [HOST, CLOSE, ...many]);
    expect(await common((way) => answer(way, bytes))).toContain(status);
  });

  it.each([4000, 9000, 15_000])('a token of about %i bytes, in a header and in a subprotocol', async (bytes) => {
    const jwt = await token({ claims: { groups: 'g'.repeat(bytes * 0.75) } });
    for (const { url, ca } of Object.values(ways)) {
      const tls = ca === undefined ? {} : { ca };
      await (await connect(url, { ...bearer(jwt), ...tls })).close(1000);
      await (await connect(url, { protocols: ['switchboard.v1', `bearer.${jwt}`], ...tls })).close(1000);
    }
  });

  it.each([
    ['below', -1, '200'],
    ['at', 0, '200'],
    ['above', 1, '413'],
    ['far above', 5_000_000, '413'],
  ])('a body of the HTTP API %s MAX_MESSAGE_BYTES', async (_, over, status) => {
    const receiver = await server.connect();
    const start = `{"type":"big","receiver":"${receiver.id}","data":"`;
    const body = `${start}${'x'.repeat(MAX_MESSAGE_BYTES + over - start.length - 2)}"}`;
    const headers = [HOST, CLOSE, `Authorization: Bearer ${API_KEY}`, 'Content-Type: application/json'];
    const bytes = request('POST /api/v1/messages HTTP/1.1', [...headers, `Content-Length: ${body.length}`]) + body;
    expect(await common((way) => answer(way, bytes))).toContain(status);
    await receiver.close(1000);
  });

  it('a body of the HTTP API in chunks above MAX_MESSAGE_BYTES', async () => {
    const headers = [HOST, CLOSE, `Authorization: Bearer ${API_KEY}`, 'Content-Type: application/json'];
    const head = request('POST /api/v1/messages HTTP/1.1', [...headers, 'Transfer-Encoding: chunked']);
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    expect(await common((way) => answer(way, `${head}${chunk.repeat(80)}0\r\n\r\n`))).toContain('413');
  });

  it.each([200_000, 5_000_000])('a body of %i bytes that the body parser refuses', async (length) => {
    const headers = [HOST, CLOSE, 'Content-Type: application/json', `Content-Length: ${length}`];
    const bytes = request('POST /upload HTTP/1.1', headers) + 'x'.repeat(length);
    expect(await common((way) => answer(way, bytes))).toContain('413');
  });

  it.each([200_000, 5_000_000])('a body of %i bytes for a controller', async (length) => {
    const bytes = request('POST /upload HTTP/1.1', [HOST, CLOSE, `Content-Length: ${length}`]) + 'x'.repeat(length);
    expect(await common((way) => answer(way, bytes))).toBe(`201 {"bytes":${length}}`);
  });

  it('long headers in the response of a controller', async () => {
    expect(await common((way) => answer(way, request('GET /wide HTTP/1.1', [HOST, CLOSE])))).toBe('200 {"ok":true}');
  });

  it.each([
    ['at', 0, 1, 'routed'],
    ['above', 1, 1, '1009'],
    ['at, in 200 fragments,', 0, 200, 'routed'],
    ['above, in 200 fragments,', 1, 200, '1009'],
  ])('a message %s MAX_MESSAGE_BYTES', async (_, over, pieces, expected) => {
    const exchange = async (way: Way): Promise<string> => {
      const [sender, receiver] = [await open(way), await server.connect()];
      const start = `{"type":"big","id":"1","receiver":"${receiver.id}","data":"`;
      const message = `${start}${'x'.repeat(MAX_MESSAGE_BYTES + over - start.length - 2)}"}`;
      const length = Math.ceil(message.length / pieces);
      for (let at = 0; at < message.length; at += length)
        sender.socket.send(message.slice(at, at + length), { fin: at + length >= message.length });
      const acknowledged = sender.next('sys.ack').then(({ data }) => (data as { status: string }).status);
      const said = await acknowledged.catch(async () => String((await sender.closed).code));
      for (const client of [sender, receiver]) client.terminate();
      return said;
    };
    expect(await common(exchange)).toBe(expected);
  });
});
