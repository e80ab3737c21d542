import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ask, HANDSHAKE } from '../support/ask.js';
import { connect, type Client } from '../support/client.js';
import { request, UPGRADE_HEADERS } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const LIMIT = 10;
const CLOSED = { opened: true, messages: 0, code: 4103, reason: 'too_many_connections' };

let server: TestServer;
let sessions: Client[];
afterEach(() => server.stop());

/** Starts a server and opens this many sessions without a user. */
async function start(variables: Record<string, string>, count: number): Promise<void> {
  server = await startServer({ MAX_CONNECTIONS_PER_ADDRESS: String(LIMIT), ...variables });
  sessions = [];
  while (sessions.length < count) sessions.push(await connect(server.url));
}

/** Connects as a page does, which sees nothing of a rejected handshake, and returns what it sees. */
async function visit(): Promise<typeof CLOSED> {
  const socket = new WebSocket(server.url);
  socket.on('error', () => undefined);
  const seen = { opened: false, messages: 0 };
  socket.on('open', () => (seen.opened = true));
  socket.on('message', () => seen.messages++);
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return { ...seen, code, reason: reason.toString() };
}

async function status(): Promise<number> {
  return (await ask(server.url.replace('ws:', 'http:'), { headers: HANDSHAKE })).status;
}

describe('an address at its limit', () => {
  it('gets further connections closed with 4103 after the upgrade, without a session, as often as it tries', async () => {
    await start({}, LIMIT);
    const [ann] = sessions;
    await Promise.all(sessions.map((session) => session.settled()));
    ann!.inbox.length = 0;
    for (let count = 0; count < 5; count++) expect(await visit()).toEqual(CLOSED);
    await ann!.settled();
    expect(ann!.inbox).toEqual([]);
    const metrics = (await ask(`http://127.0.0.1:${server.port}/metrics`)).body;
    expect(metrics).toContain('switchboard_handshakes_total{outcome="too_many_connections"} 5');

    await sessions.pop()!.close(1000);
    await ann!.next('sys.departed');
    await (await connect(server.url)).close(1000);
  });

  it('gets 429 before its origin is checked, and 403 where a token may give it a user', async () => {
    await start({ MAX_CONNECTIONS_PER_ADDRESS: '2', ...AUTH, AUTH: 'optional' }, 2);
    const url = server.url.replace('ws:', 'http:');
    const foreign = { ...HANDSHAKE, Origin: 'https://foreign.example' };
    expect((await ask(url, { headers: foreign })).status).toBe(429);
    expect((await ask(url, { headers: { ...foreign, ...bearer(await token()).headers } })).status).toBe(403);
  });

  it('gets 429 while a tenth of its limit is being closed already', async () => {
    await start({}, LIMIT);
    // They do not answer the close frame, so that the first one is there until it is cut.
    const sockets = Array.from({ length: 3 }, () => connectTcp(server.port, '127.0.0.1'));
    const answers = await Promise.all(
      sockets.map(async (socket: Socket) => {
        socket.write(request('GET /wss HTTP/1.1', UPGRADE_HEADERS));
        return String(((await once(socket, 'data')) as [Buffer])[0]).slice(9, 12);
      }),
    );
    expect(answers.toSorted()).toEqual(['101', '429', '429']);
    for (const socket of sockets) socket.destroy();
    await expect.poll(visit).toEqual(CLOSED);
  });

  it('is rejected for its origin first, because that is said before the upgrade', async () => {
    await start({}, LIMIT);
    const { status: seen } = await ask(server.url.replace('ws:', 'http:'), {
      headers: { ...HANDSHAKE, origin: 'https://evil.test' },
    });
    expect(seen).toBe(403);
    expect(await visit()).toEqual(CLOSED);
  });

  it('is let in with a token, because a connection with a user counts to its user', async () => {
    await start({ ...AUTH, AUTH: 'optional' }, LIMIT);
    const ann = await connect(server.url, bearer(await token()));
    expect(await visit()).toEqual(CLOSED);
    await ann.close(1000);
  });

  it.each([LIMIT, 2])('shuts out no user while its other connections take all they can (limit %i)', async (limit) => {
    await start({ ...AUTH, AUTH: 'optional', MAX_CONNECTIONS_PER_ADDRESS: String(limit) }, limit);
    // They do not answer the close frame.
    const excess = Array.from({ length: 3 }, () => connectTcp(server.port, '127.0.0.1'));
    for (const socket of excess) {
      socket.write(request('GET /wss HTTP/1.1', UPGRADE_HEADERS));
      await once(socket, 'data');
    }
    const users = await Promise.all(
      Array.from({ length: limit }, async (_, number) =>
        connect(server.url, bearer(await token({ sub: `user-${number}` }))),
      ),
    );
    expect(await status()).toBe(429);
    for (const socket of excess) socket.destroy();
    for (const user of users) await user.close(1000);
  });
});

describe('connections with a user', () => {
  it('do not count to the limit of their address', async () => {
    await start({ ...AUTH, AUTH: 'optional', MAX_CONNECTIONS_PER_ADDRESS: '2' }, 0);
    for (let count = 0; count < 6; count++)
      sessions.push(await connect(server.url, bearer(await token({ sub: `user-${count}` }))));
    for (let count = 0; count < 2; count++) sessions.push(await connect(server.url));
    expect(await status()).toBe(429);
    await Promise.all(sessions.map((session) => session.settled()));
    for (const session of sessions.splice(0, 6)) await session.close(1000);
    expect(await status()).toBe(429);
  });

  it('are counted until they end, by their user', async () => {
    await start({ ...AUTH, MAX_CONNECTIONS_PER_ADDRESS: '2', MAX_CONNECTIONS_PER_USER: '3' }, 0);
    for (let round = 0; round < 3; round++) {
      while (sessions.length < 3) sessions.push(await connect(server.url, bearer(await token())));
      await expect(connect(server.url, bearer(await token()))).rejects.toThrow('429');
      const left = sessions.pop()!;
      await left.close(1000);
      await sessions[0]!.next('sys.departed');
    }
  });

  it('count to their address where users have no limit', async () => {
    await start({ ...AUTH, MAX_CONNECTIONS_PER_ADDRESS: '2', MAX_CONNECTIONS_PER_USER: '0' }, 0);
    while (sessions.length < 2) sessions.push(await connect(server.url, bearer(await token())));
    await expect(connect(server.url, bearer(await token({ sub: 'bob' })))).rejects.toThrow('429');
  });
});
