import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { exchange, request, UPGRADE_HEADERS, type RawAnswer } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';
import { threadTimeMs } from '../support/thread-clock.js';

const CLOSE = 'Connection: close';

/** Returns the handshake's headers with one replaced or, without a line, removed. */
function changed(name: string, line?: string): string[] {
  const others = UPGRADE_HEADERS.filter((each) => !each.startsWith(`${name}:`));
  return line === undefined ? others : [...others, line];
}

/** Checks that a rejection is a complete response with the JSON body of the protocol; returns `STATUS CODE`. */
function rejection({ status, headers, body }: RawAnswer): string {
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(headers.get('content-length')).toBe(String(Buffer.byteLength(body)));
  const parsed = JSON.parse(body) as { error: { code: string; message: string } };
  expect(Object.keys(parsed)).toEqual(['error']);
  expect(Object.keys(parsed.error).toSorted()).toEqual(['code', 'message']);
  expect(parsed.error.message).toMatch(/./);
  return `${status} ${parsed.error.code}`;
}

describe('a rejected handshake', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ HANDSHAKE_TIMEOUT_MS: '300' });
  });
  afterAll(() => server.stop());

  const ask = (line: string, headers?: readonly string[]) => exchange(server.port, request(line, headers));

  it.each([
    '/',
    '/ws',
    '/wss2',
    '/wssx/',
    '/wss/more',
    '/wss//',
    '//wss',
    '/WSS',
    '/%77ss',
    '/?/wss',
    '*',
    '/wss%2f',
    'http://localhost/',
  ])('is not_found on the path %s', async (path) => {
    expect(rejection(await ask(`GET ${path} HTTP/1.1`))).toBe('404 not_found');
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])(
    'is method_not_allowed for %s, with or without an upgrade',
    async (method) => {
      const upgrade = await ask(`${method} /wss HTTP/1.1`);
      expect(rejection(upgrade)).toBe('405 method_not_allowed');
      expect(upgrade.headers.get('allow')).toBe('GET');
      const plain = await ask(`${method} /wss?x=1 HTTP/1.1`, ['Host: localhost', 'Content-Length: 0', CLOSE]);
      expect(rejection(plain)).toBe('405 method_not_allowed');
    },
  );

  it('is method_not_allowed for HEAD, without a body', async () => {
    const { status, body } = await ask('HEAD /wss HTTP/1.1', ['Host: localhost', CLOSE]);
    expect({ status, body }).toEqual({ status: 405, body: '' });
    expect(await ask('HEAD /wss HTTP/1.1')).toMatchObject({ status: 405, body: '' });
  });

  it.each(['localhost:443', '/wss'])('is method_not_allowed for CONNECT %s', async (target) => {
    const answer = await ask(`CONNECT ${target} HTTP/1.1`, ['Host: localhost']);
    expect(rejection(answer)).toBe('405 method_not_allowed');
    expect(answer.headers.get('allow')).toBe('GET');
  });

  it('leaves the connection open after a plain GET with keep-alive', async () => {
    const plain = request('GET /wss HTTP/1.1', ['Host: localhost']);
    const { headers, body } = await exchange(
      server.port,
      plain + request('GET /wss HTTP/1.1', ['Host: localhost', CLOSE]),
    );
    expect(headers.get('connection')).toBe('upgrade');
    expect(body).toMatch(/^\{.*\}HTTP\/1\.1 426 [\s\S]*Connection: upgrade, close/);
  });

  it.each(['/wss', '/wss/', '/wss?token=x', '/wss/?a=/b'])(
    'is upgrade_required for a plain GET of %s',
    async (path) => {
      const answer = await ask(`GET ${path} HTTP/1.1`, ['Host: localhost', CLOSE]);
      expect(rejection(answer)).toBe('426 upgrade_required');
      expect(answer.headers.get('upgrade')).toBe('websocket');
      expect(answer.headers.get('connection')).toBe('upgrade, close');
    },
  );

  it('is upgrade_required for a protocol other than WebSocket', async () => {
    const answer = await ask('GET /wss HTTP/1.1', changed('Upgrade', 'Upgrade: h2c'));
    expect(rejection(answer)).toBe('426 upgrade_required');
    expect(answer.headers.get('upgrade')).toBe('websocket');
    expect(answer.headers.get('connection')).toBe('upgrade, close');
  });

  it.each(['12', '8', '0', '14', '130', '13, 8', 'x'])('is upgrade_required for version %s', async (version) => {
    const headers = changed('Sec-WebSocket-Version', `Sec-WebSocket-Version: ${version}`);
    const answer = await ask('GET /wss HTTP/1.1', headers);
    expect(rejection(answer)).toBe('426 upgrade_required');
    expect(answer.headers.get('sec-websocket-version')).toBe('13');
    expect(answer.headers.get('upgrade')).toBe('websocket');
    expect(answer.headers.get('connection')).toBe('upgrade, close');
  });

  it.each([
    ['has no key', changed('Sec-WebSocket-Key')],
    ['has an empty key', changed('Sec-WebSocket-Key', 'Sec-WebSocket-Key:')],
    ['has a key of 15 bytes', changed('Sec-WebSocket-Key', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA')],
    ['has a key of 17 bytes', changed('Sec-WebSocket-Key', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA=')],
    ['has a key that is not base64', changed('Sec-WebSocket-Key', 'Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==')],
    ['has two keys', [...UPGRADE_HEADERS, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']],
    ['has no version', changed('Sec-WebSocket-Version')],
    ['has no Host', changed('Host')],
    ['has an empty Host', changed('Host', 'Host:')],
    ['has an invalid Host', changed('Host', 'Host: bad host!/')],
    ['has two Hosts', [...UPGRADE_HEADERS, 'Host: localhost']],
    ['offers a protocol that is not a token', [...UPGRADE_HEADERS, 'Sec-WebSocket-Protocol: a b']],
    ['offers a protocol twice', [...UPGRADE_HEADERS, 'Sec-WebSocket-Protocol: a, a']],
    ['has no Connection', [...changed('Connection', CLOSE)]],
    ['has no Upgrade', [...changed('Upgrade').filter((each) => !each.startsWith('Connection')), CLOSE]],
    ['has a body', [...UPGRADE_HEADERS, 'Content-Length: 9']],
    ['has a body in chunks', [...UPGRADE_HEADERS, 'Transfer-Encoding: chunked']],
  ])('is bad_handshake when it %s', async (_, headers) => {
    expect(rejection(await ask('GET /wss HTTP/1.1', headers))).toBe('400 bad_handshake');
  });

  it.each(['bearer.x', 'bearer.', 'resume', 'resume.x.0', 'other, bearer.x', 'resume.new, other'])(
    'is bad_handshake when it offers %s without switchboard.v1, and names that',
    async (offered) => {
      const answer = await ask('GET /wss HTTP/1.1', [...UPGRADE_HEADERS, `Sec-WebSocket-Protocol: ${offered}`]);
      expect(rejection(answer)).toBe('400 bad_handshake');
      expect(answer.body).toContain('switchboard.v1');
    },
  );

  it('is bad_handshake when it is HTTP/1.0', async () => {
    expect(rejection(await ask('GET /wss HTTP/1.0'))).toBe('400 bad_handshake');
  });

  it.each([
    ['not HTTP', '\u0016\u0003\u0001\u0002\u0000 hello\r\n\r\n'],
    ['without a request line', 'GET\r\n\r\n'],
    ['with a header without a colon', 'GET /wss HTTP/1.1\r\nHost localhost\r\n\r\n'],
    ['with headers of 64 KB', request('GET /wss HTTP/1.1', [...UPGRADE_HEADERS, `X: ${'x'.repeat(65_536)}`])],
  ])('is bad_handshake when it is %s', async (_, bytes) => {
    expect(rejection(await exchange(server.port, bytes))).toBe('400 bad_handshake');
  });

  it.each([
    ['before the first byte', ''],
    ['in the request line', 'GET /ws'],
    ['in the headers', 'GET /wss HTTP/1.1\r\nHost: localhost\r\nUpgrade: webs'],
  ])('is handshake_timeout when it stalls %s', async (_, bytes) => {
    const startMs = threadTimeMs();
    expect(rejection(await exchange(server.port, bytes))).toBe('408 handshake_timeout');
    expect(threadTimeMs() - startMs).toBeLessThan(1500);
  });

  it('is handshake_timeout even if headers keep arriving', async () => {
    const socket = connectTcp({ port: server.port, host: '127.0.0.1' });
    socket.write('GET /wss HTTP/1.1\r\nHost: localhost\r\n');
    const drip = setInterval(() => socket.write('X: y\r\n'), 50);
    const answer = await text(socket);
    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1\.1 408 .*"code":"handshake_timeout"/s);
  });

  it('has the first reason of the list: path, method, handshake', async () => {
    const worst = changed('Sec-WebSocket-Key');
    expect(rejection(await ask('POST /other HTTP/1.1', worst))).toBe('404 not_found');
    expect(rejection(await ask('GET /other HTTP/1.1', changed('Sec-WebSocket-Version')))).toBe('404 not_found');
    expect(rejection(await ask('POST /wss HTTP/1.1', worst))).toBe('405 method_not_allowed');
    const old = worst.map((header) => header.replace(/Version: 13/, 'Version: 8'));
    expect(rejection(await ask('GET /wss HTTP/1.1', old))).toBe('426 upgrade_required');
  });

  it('gets the whole answer even if the client has sent more data', async () => {
    const more = Buffer.concat(Array.from({ length: 50 }, () => clientFrame('x'.repeat(60_000))));
    for (const line of ['GET /other HTTP/1.1', 'POST /wss HTTP/1.1']) {
      const answer = await exchange(server.port, Buffer.concat([Buffer.from(request(line)), more]));
      expect(answer.status).toBe(line.startsWith('GET') ? 404 : 405);
      expect(answer.headers.get('content-length')).toBe(String(answer.body.length));
    }
  });

  it('leaves other connections open', async () => {
    const calm = await RawClient.open(server.port);
    await ask('GET /other HTTP/1.1');
    calm.write(clientFrame('{"type":"sys.ping","id":"still"}'));
    expect((await calm.envelopeOf('sys.pong')).ref).toBe('still');
    calm.socket.destroy();
  });
});

it('a handshake has no time limit with HANDSHAKE_TIMEOUT_MS=0', async () => {
  const patient = await startServer({ HANDSHAKE_TIMEOUT_MS: '0' });
  const { headersTimeout, requestTimeout } = patient.app.getHttpServer() as Server;
  expect([headersTimeout, requestTimeout]).toEqual([0, 0]);
  const socket = connectTcp({ port: patient.port, host: '127.0.0.1' });
  socket.write('GET /wss HTTP/1.1\r\n');
  await delay(200);
  socket.write(`${UPGRADE_HEADERS.join('\r\n')}\r\n\r\n`);
  expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 101 /);
  socket.destroy();
  await patient.stop();
});
