import { exportJWK, generateKeyPair } from 'jose';
import { Module } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../src/standalone/app.js';
import { Claims, User } from '../../src/gateway/nest/session.decorators.js';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { clientFrame, closeFrame } from '../support/client-frames.js';
import { connect } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, soon, token, unsigned } from '../support/tokens.js';

@MessagingGateway()
class MeGateway {
  @SubscribeMessage('me')
  me(@User() user: string, @Claims('role') role: string) {
    return { user, role };
  }
}
@Module({ providers: [MeGateway] })
class MeModule {}

let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** Attempts a handshake with this token; returns `accepted`, or status and code. */
async function handshake(jwt: string | undefined, headers: Record<string, string> = {}): Promise<string> {
  try {
    await (await connect(server!.url, jwt === undefined ? {} : bearer(jwt))).close(1000);
    return 'accepted';
  } catch {
    const answer = await ask(server!.url.replace('ws:', 'http:'), {
      headers: { ...HANDSHAKE, ...(jwt !== undefined && bearer(jwt).headers), ...headers },
    });
    return `${answer.status} ${(JSON.parse(answer.body) as { error: { code: string } }).error.code}`;
  }
}

const UNAUTHORIZED = '401 unauthorized';
const start = (variables: Record<string, string>) =>
  createApp({ variables: { PORT: '0', LOG_LEVEL: 'error', ...variables } });

describe('a token', () => {
  it('is accepted in a header or in a subprotocol, which is not echoed', async () => {
    server = await startServer(AUTH, [MeModule]);
    const jwt = await token({ claims: { role: 'admin' } });
    const clients = [
      await connect(server.url, bearer(jwt)),
      await connect(server.url, { protocols: ['switchboard.v1', `bearer.${jwt}`] }),
    ];
    expect(clients[1]!.socket.protocol).toBe('switchboard.v1');
    for (const client of clients) {
      client.send({ type: 'me', id: '1' });
      expect((await client.next('me')).data).toEqual({ user: 'ann', role: 'admin' });
      expect(server.app.get(Switchboard).find(client.id)!.claims).toMatchObject({ sub: 'ann', role: 'admin' });
      await client.close(1000);
    }
  });

  it('is rejected when it is missing, malformed, expired, unsigned or for another issuer or audience', async () => {
    server = await startServer({ ...AUTH, AUTH_ISSUER: 'us', AUTH_AUDIENCE: 'chat' });
    const claims = { iss: 'us', aud: 'chat' };
    const good = await token({ claims });
    const inAnHour = Math.floor(Date.now() / 1000) + 3600;
    expect(await handshake(good)).toBe('accepted');
    expect(await handshake(undefined)).toBe(UNAUTHORIZED);
    expect(await handshake('nonsense')).toBe(UNAUTHORIZED);
    expect(await handshake(`${good.slice(0, -4)}AAAA`)).toBe(UNAUTHORIZED);
    expect(await handshake(await token({ claims, expires: 1000 }))).toBe(UNAUTHORIZED);
    expect(await handshake(await token({ claims, sub: '' }))).toBe(UNAUTHORIZED);
    expect(await handshake(await token({ claims: { ...claims, iss: 'them' } }))).toBe(UNAUTHORIZED);
    expect(await handshake(await token({ claims: { ...claims, aud: 'mail' } }))).toBe(UNAUTHORIZED);
    expect(await handshake(await token({ claims: { ...claims, nbf: inAnHour } }))).toBe(UNAUTHORIZED);
    expect(await handshake(await token({ claims, header: { alg: 'HS512' } }))).toBe(UNAUTHORIZED);
    expect(await handshake(await token({ claims, key: Buffer.from('another secret of thirty-two bytes!') }))).toBe(
      UNAUTHORIZED,
    );
    expect(await handshake(unsigned({ ...claims, sub: 'ann', exp: inAnHour }))).toBe(UNAUTHORIZED);
    expect(await handshake(undefined, { authorization: `Basic ${good}` })).toBe(UNAUTHORIZED);
  });

  it('may be missing with AUTH=optional, but an invalid one is rejected', async () => {
    server = await startServer({ ...AUTH, AUTH: 'optional' });
    expect(await handshake(undefined)).toBe('accepted');
    expect(await handshake(await token())).toBe('accepted');
    expect(await handshake('nonsense')).toBe(UNAUTHORIZED);
  });

  it('is not read from the query or a cookie', async () => {
    server = await startServer(AUTH);
    const jwt = await token();
    const url = `${server.url.replace('ws:', 'http:')}?token=${jwt}&access_token=${jwt}`;
    const Cookie = `token=${jwt}; access_token=${jwt}; Authorization=Bearer ${jwt}`;
    expect((await ask(url, { headers: { ...HANDSHAKE, Cookie } })).status).toBe(401);
  });

  it('may be followed by messages at once, which are handled after the welcome', async () => {
    server = await startServer(AUTH);
    const tcp = connectTcp(server.port, '127.0.0.1');
    const head = Object.entries({ Host: 'x', ...HANDSHAKE, Authorization: `Bearer ${await token()}` });
    const ping = clientFrame('{"type":"sys.ping","data":7}');
    tcp.write(`GET /wss HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
    tcp.write(Buffer.concat([ping, ping, closeFrame()]));
    const received = await text(tcp);
    expect(received.indexOf('sys.welcome')).toBeLessThan(received.indexOf('sys.pong'));
    expect(received.match(/sys\.pong/g)).toHaveLength(2);
  });

  it('needs a key at the start', async () => {
    await expect(start({ AUTH: 'required' })).rejects.toThrow('AUTH needs AUTH_SECRET or AUTH_JWKS');
    await expect(start({ AUTH: 'required', AUTH_SECRET: 'short' })).rejects.toThrow(
      /^AUTH_SECRET must have at least 32 bytes$/,
    );
    await expect(start({ AUTH: 'required', AUTH_JWKS: '/none' })).rejects.toThrow('AUTH_JWKS cannot be used');
  });
});

describe('a token that expires', () => {
  // Only the date is faked, because a token of two real seconds may expire too early on a busy machine.
  const VALID_S = 60;
  const expire = (): void => void vi.setSystemTime(Date.now() + VALID_S * 1000);
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());

  it('closes its session with 4102', async () => {
    server = await startServer(AUTH);
    const client = await connect(server.url, bearer(await token({ expires: soon(VALID_S) })));
    await client.settled();
    expire();
    expect(await client.closed).toEqual({ code: 4102, reason: 'token_expired' });
  });

  it('closes all sessions of its second at one moment, so that none gets the departure of another', async () => {
    server = await startServer({ ...AUTH, ARRIVAL_NOTICES: 'off' });
    const { url } = server;
    const expires = soon(VALID_S);
    const other = await connect(url, bearer(await token({ sub: 'other' })));
    const names = ['ann', 'bob', 'eve'];
    const clients = await Promise.all(names.map(async (sub) => connect(url, bearer(await token({ sub, expires })))));
    for (const client of clients) await client.settled();
    expire();
    const codes = (await Promise.all(clients.map(({ closed }) => closed))).map(({ code }) => code);
    expect(codes).toEqual([4102, 4102, 4102]);
    expect(clients.flatMap(({ inbox }) => inbox)).toEqual([]);
    const departed = [await other.next(), await other.next(), await other.next()].map(({ sender }) => sender);
    expect(departed.toSorted()).toEqual(clients.map(({ id }) => id).toSorted());
    await other.close(1000);
  });

  it('does not close the session if it was renewed for the same user', async () => {
    server = await startServer(AUTH);
    const [ann, bob] = [
      await connect(server.url, bearer(await token({ expires: soon(VALID_S) }))),
      await connect(server.url, bearer(await token({ sub: 'bob', expires: soon(VALID_S) }))),
    ];
    const renew = async (jwt: unknown): Promise<unknown> => {
      ann.send({ type: 'sys.auth', id: 'r', data: { token: jwt } });
      const { type, ref, data } = await ann.next();
      return { type, ref, result: data.status ?? data.code };
    };
    await ann.next('sys.arrived');
    expect(await renew(await token({ sub: 'bob' }))).toEqual({ type: 'sys.error', ref: 'r', result: 'forbidden' });
    expect(await renew('nonsense')).toEqual({ type: 'sys.error', ref: 'r', result: 'forbidden' });
    expect(await renew(7)).toEqual({ type: 'sys.error', ref: 'r', result: 'invalid_message' });
    expect(await renew(await token())).toEqual({ type: 'sys.ack', ref: 'r', result: 'accepted' });
    expire();
    expect((await bob.closed).code).toBe(4102);
    await ann.next('sys.departed');
    await ann.settled();
    await ann.close(1000);
  });

  it('cannot be renewed by a session without a token', async () => {
    server = await startServer();
    const client = await connect(server.url);
    client.send({ type: 'sys.auth', id: 'r', data: { token: await token() } });
    expect((await client.next('sys.error')).data.code).toBe('forbidden');
    await client.close(1000);
  });
});

describe('a key set', () => {
  it.each(['RS256', 'ES256', 'EdDSA'])('verifies %s, never the public key as a secret', async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'a', alg };
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-keys-'));
    const file = join(folder, 'keys.json');
    await writeFile(file, JSON.stringify({ keys: [jwk] }));
    server = await startServer({ AUTH: 'required', AUTH_JWKS: file });
    expect(await handshake(await token({ key: privateKey, header: { alg, kid: 'a' } }))).toBe('accepted');
    const confused = new TextEncoder().encode(JSON.stringify(jwk));
    expect(await handshake(await token({ key: confused, header: { alg: 'HS256', kid: 'a' } }))).toBe(UNAUTHORIZED);
    expect(await handshake(unsigned({ sub: 'ann', exp: 9e9 }))).toBe(UNAUTHORIZED);

    const next = await generateKeyPair(alg, { extractable: true });
    await writeFile(file, JSON.stringify({ keys: [{ ...(await exportJWK(next.publicKey)), kid: 'b', alg }] }));
    expect(await handshake(await token({ key: next.privateKey, header: { alg, kid: 'b' } }))).toBe('accepted');
    expect(await handshake(await token({ key: privateKey, header: { alg, kid: 'a' } }))).toBe(UNAUTHORIZED);
    await rm(folder, { recursive: true });
  });

  it('is fetched from a URL once for many tokens', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'a', alg: 'ES256' };
    let fetches = 0;
    const keys: Server = createServer((_, response) => {
      fetches++;
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
    });
    await once(keys.listen(0, '127.0.0.1'), 'listening');
    server = await startServer({
      AUTH: 'required',
      AUTH_JWKS: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/`,
    });
    const jwt = await token({ key: privateKey, header: { alg: 'ES256', kid: 'a' } });
    for (let count = 0; count < 5; count++) expect(await handshake(jwt)).toBe('accepted');
    expect(fetches).toBe(1);
    keys.closeAllConnections();
    await once(keys.close(), 'close');
  });
});

describe('a user', () => {
  it('is shown to others only with SHOW_USERS=on', async () => {
    for (const SHOW_USERS of ['on', 'off']) {
      server = await startServer({ ...AUTH, SHOW_USERS });
      const ann = await connect(server.url, bearer(await token()));
      const bob = await connect(server.url, bearer(await token({ sub: 'bob' })));
      expect((await ann.next('sys.arrived')).data).toEqual(SHOW_USERS === 'on' ? { user: 'bob' } : undefined);
      ann.send({ type: 'sys.who' });
      const sessions = [ann, bob].map(({ id }) => id).toSorted();
      const users = new Map([
        [ann.id, 'ann'],
        [bob.id, 'bob'],
      ]);
      expect((await ann.next('sys.sessions')).data.sessions).toEqual(
        SHOW_USERS === 'on' ? sessions.map((id) => ({ id, user: users.get(id) })) : sessions,
      );
      await Promise.all([ann.close(1000), bob.close(1000)]);
      await server.stop();
    }
    server = undefined;
  });

  it('has at most MAX_CONNECTIONS_PER_USER connections', async () => {
    server = await startServer({ ...AUTH, MAX_CONNECTIONS_PER_USER: '1' });
    const ann = await connect(server.url, bearer(await token()));
    expect(await handshake(await token())).toBe('429 too_many_connections');
    const bob = await connect(server.url, bearer(await token({ sub: 'bob' })));
    await ann.close(1000);
    await bob.next('sys.departed');
    expect(await handshake(await token())).toBe('accepted');
    await bob.close(1000);
  });

  it('may not list sessions with WHO=off', async () => {
    server = await startServer({ WHO: 'off' });
    const client = await connect(server.url);
    client.send({ type: 'sys.who', id: '1' });
    expect(await client.next('sys.error')).toMatchObject({ ref: '1', data: { code: 'forbidden' } });
    await client.close(1000);
  });
});
