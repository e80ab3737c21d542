import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect as connectTcp, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, HANDSHAKE } from '../support/ask.js';
import { connect } from '../support/client.js';
import { threadTimeMs } from '../support/thread-clock.js';
import { exchange, request, UPGRADE_HEADERS } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';

const LIMIT = 10;
const SILENT = 1100;
const WAVE = 100;
/** Busy connections that a full node serves. */
const RESERVED = 16;
const HOST = ['Host: localhost'];
const GET = request('GET /nowhere HTTP/1.1', HOST);

let server: TestServer;
afterEach(() => server.stop());

async function open(bytes = '', localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connectTcp({ port: server.port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

function connections(): Promise<number> {
  return new Promise((resolve, reject) => {
    const http = server.app.getHttpServer() as NetServer;
    http.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

function answersIn(bytes: string): string[] {
  return [...bytes.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status!);
}

describe('connections without a session', () => {
  it('count to the limit of their address, and the longest idle one is closed for a new one', async () => {
    server = await startServer({ MAX_CONNECTIONS_PER_ADDRESS: String(LIMIT), HANDSHAKE_TIMEOUT_MS: '600000' });
    const sockets: Socket[] = [];
    // In waves, because the system drops connections beyond its backlog.
    while (sockets.length < SILENT) sockets.push(...(await Promise.all(Array.from({ length: WAVE }, () => open()))));
    const ends = { count: 0 };
    const answers = new Set<string>();
    for (const socket of sockets) {
      socket.once('close', () => ends.count++);
      socket.on('data', (chunk) => answers.add(answersIn(String(chunk)).join()));
    }
    while ((await connections()) > LIMIT) await delay(10);
    const own = await connect(server.url);
    const other = await connect(server.url, { localAddress: '127.0.0.2' });
    own.send({ type: 'x', receiver: other.id });
    expect(await other.next('x')).toMatchObject({ sender: own.id });
    while (ends.count < SILENT - LIMIT) await delay(10);
    expect(answers).toEqual(new Set(['429']));
    for (const socket of sockets) socket.destroy();
  });

  it('are rejected when the sessions of their address fill its limit, and these sessions stay open', async () => {
    server = await startServer({ MAX_CONNECTIONS_PER_ADDRESS: '3' });
    const sessions = [await connect(server.url), await connect(server.url), await connect(server.url)];
    const { status, headers, body } = await ask(server.url.replace('ws:', 'http:'), { headers: HANDSHAKE });
    expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({
      status: 429,
      error: { code: 'too_many_connections' },
    });
    expect(headers['retry-after']).toBe('5');
    await Promise.all(sessions.map((session) => session.settled()));
    const left = sessions.pop()!;
    await left.close(1000);
    await sessions[0]!.next('sys.departed');
    await (await connect(server.url)).close(1000);
  });

  it('count once while the token of a handshake is verified, and are not idle then', async () => {
    const asked: (() => void)[] = [];
    const keys = createHttpServer((_, response) => void asked.push(() => response.end('{"keys":[]}'))).listen(
      0,
      '127.0.0.1',
    );
    await once(keys, 'listening');
    const { port } = keys.address() as AddressInfo;
    const jwks = `http://127.0.0.1:${port}/keys`;
    server = await startServer({ MAX_CONNECTIONS_PER_ADDRESS: '4', AUTH: 'required', AUTH_JWKS: jwks });
    const token = [{ alg: 'ES256', kid: 'k' }, { sub: 'ann' }].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const handshake = request('GET /wss HTTP/1.1', [
      ...UPGRADE_HEADERS,
      `Authorization: Bearer ${token.join('.')}.AAAA`,
    ]);
    const pending = Array.from({ length: 4 }, () => exchange(server.port, handshake));
    while (asked.length === 0) await delay(10);
    const next = await exchange(server.port, handshake);
    asked[0]!();
    expect([next.status, ...(await Promise.all(pending)).map(({ status }) => status)]).toEqual([
      429, 503, 503, 503, 503,
    ]);
    keys.closeAllConnections();
    keys.close();
  });

  it('are not limited by address where they come from a trusted proxy', async () => {
    server = await startServer({ MAX_CONNECTIONS_PER_ADDRESS: '3', FRONT_PROXIES: '127.0.0.1' });
    await Promise.all(Array.from({ length: 20 }, () => open()));
    while ((await connections()) < 20) await delay(10);
  });

  it('are closed at the connection limit of the node, and sessions stay open', async () => {
    server = await startServer({ MAX_CONNECTIONS: '5' });
    const first = await open();
    const answer = text(first);
    await Promise.all(Array.from({ length: 4 }, () => open()));
    const session = await connect(server.url);
    expect(answersIn(await answer)).toEqual(['503']);
    await Promise.all(Array.from({ length: 20 }, () => open()));
    await session.settled();
    expect((await ask(`http://127.0.0.1:${server.port}/health/live`)).status).toBe(200);
  });

  it('are refused with 503 on a full node where all wait for an answer and none can give way', async () => {
    const key = 'a-key-of-many-characters';
    server = await startServer({ MAX_CONNECTIONS: '5', API_KEYS: key });
    const unfinished = [...HOST, `Authorization: Bearer ${key}`, 'Content-Type: application/json', 'Content-Length: 9'];
    const answers: string[] = [];
    const sockets: Socket[] = [];
    for (let count = 0; count < 40; count++) {
      const socket = await open(request('POST /api/v1/messages HTTP/1.1', [...unfinished, 'Expect: 100-continue']));
      socket.on('data', (chunk) => answers.push(...answersIn(String(chunk))));
      await once(socket, 'data');
      sockets.push(socket);
    }
    const served = answers.filter((status) => status === '100').length;
    expect([served, answers.length - served]).toEqual([RESERVED, 40 - RESERVED]);
    expect(new Set(answers)).toEqual(new Set(['100', '503']));
    expect(await connections()).toBeLessThanOrEqual(RESERVED);
    for (const socket of sockets) socket.destroy();
  });

  it('are served on a node full of sessions, so that health checks succeed', async () => {
    server = await startServer({ MAX_CONNECTIONS: '2' });
    const sessions = [await connect(server.url), await connect(server.url)];
    for (const path of ['live', 'ready'])
      expect((await ask(`http://127.0.0.1:${server.port}/health/${path}`)).status).toBe(200);
    await Promise.all(sessions.map((session) => session.settled()));
  });

  it('that wait for their next request are closed without an answer', async () => {
    server = await startServer({ MAX_CONNECTIONS_PER_ADDRESS: '2' });
    const kept = await open(GET);
    const answer = text(kept);
    await once(kept, 'data');
    await open();
    await open();
    expect(answersIn(await answer)).toEqual(['404']);
  });
});

describe('requests', () => {
  it('are answered 429 over the rate of their address, and the connection is closed', async () => {
    server = await startServer({ REQUESTS_PER_SECOND: '1', FRONT_PROXIES: '127.0.0.1' });
    const url = `http://127.0.0.1:${server.port}/nowhere`;
    const statusFrom = async (address: string): Promise<number> =>
      (await ask(url, { headers: { 'X-Real-IP': address } })).status;
    while ((await statusFrom('192.0.2.1')) === 404);
    const { status, headers, body } = await ask(url, { headers: { 'X-Real-IP': '192.0.2.1' } });
    expect({ status, connection: headers.connection, ...(JSON.parse(body) as object) }).toMatchObject({
      status: 429,
      connection: 'close',
      error: { code: 'too_many_connections' },
    });
    expect(headers['retry-after']).toBe('1');
    expect(await statusFrom('192.0.2.2')).toBe(404);
  });

  it('of one connection are limited while they wait for an answer', async () => {
    server = await startServer();
    const socket = await open(GET.repeat(3000));
    expect(answersIn(await text(socket))).toEqual([...Array<string>(16).fill('404'), '429']);
  });

  it('count with an unknown Expect header, too, and get the answer of any other request', async () => {
    server = await startServer({ ALLOWED_HOSTS: 'chat.example' });
    const expecting = request('GET /nowhere HTTP/1.1', ['Host: chat.example', 'Expect: x']);
    const socket = await open(expecting.repeat(3000));
    expect(answersIn(await text(socket))).toEqual([...Array<string>(16).fill('404'), '429']);
    expect(
      (await exchange(server.port, request('GET / HTTP/1.1', ['Host: evil.example', 'Expect: x', 'Connection: close'])))
        .status,
    ).toBe(403);
  });

  it('are at most 1,000 on one connection', async () => {
    server = await startServer();
    const socket = await open(GET);
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
      if (answersIn(String(chunk)).length > 0) socket.write(GET);
    });
    await once(socket, 'close');
    expect(answersIn(received)).toHaveLength(1000);
    expect(received.match(/Connection: close/g)).toHaveLength(1);
  });

  it('with more than 100 headers are refused with 400', async () => {
    server = await startServer();
    const headers = (count: number): string[] => [
      ...HOST,
      'Connection: close', // does not count, because proxies write their own
      ...Array.from({ length: count - 1 }, (_, index) => `X-${index}: y`),
    ];
    expect((await exchange(server.port, request('GET /nowhere HTTP/1.1', headers(100)))).status).toBe(404);
    const refused = await exchange(server.port, request('GET /nowhere HTTP/1.1', headers(101)));
    expect({ status: refused.status, ...(JSON.parse(refused.body) as object) }).toMatchObject({
      status: 400,
      error: { code: 'bad_handshake' },
    });
  });

  it('whose body is not read are answered, and then the connection is closed', async () => {
    server = await startServer();
    const socket = await open(request('POST /nowhere HTTP/1.1', [...HOST, 'Transfer-Encoding: chunked']));
    const body = setInterval(() => socket.write('1\r\nx\r\n'), 1);
    expect(answersIn(await text(socket))).toEqual(['404']);
    clearInterval(body);
  });
});

describe('a calm pair waits no longer than it did before', () => {
  it.each([
    ['pipeline requests to paths that are not there', GET],
    ['pipeline upgrades to WebSocket on such paths', request('GET /nowhere HTTP/1.1')],
    [
      'pipeline requests with a foreign Upgrade header',
      request('GET / HTTP/1.1', [...HOST, 'Connection: Upgrade', 'Upgrade: h2c']),
    ],
  ])('while ten connections %s', async (_, bytes) => {
    server = await startServer({ REQUESTS_PER_SECOND: '1000', MAX_CONNECTIONS_PER_ADDRESS: '256' });
    const [ann, bob] = [await connect(server.url), await connect(server.url)];
    const longestMs = async (): Promise<number> => {
      let longest = 0;
      for (let count = 0; count < 100; count++) {
        const startMs = threadTimeMs();
        ann.send({ type: 'calm', receiver: bob.id, data: count });
        expect((await bob.next('calm')).data).toBe(count);
        longest = Math.max(longest, threadTimeMs() - startMs);
      }
      return longest;
    };
    await longestMs();
    const attack = { isOver: false };
    const flood = bytes.repeat(Math.ceil(262_144 / bytes.length));
    const attackers = Array.from({ length: 10 }, async () => {
      while (!attack.isOver) {
        const socket = await open(flood);
        socket.resume();
        await once(socket, 'close');
      }
    });
    const underAttackMs = await longestMs();
    attack.isOver = true;
    await Promise.all(attackers);
    expect(underAttackMs).toBeLessThan(500);
  });
});
