import { Module } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { CompactSign, SignJWT } from 'jose';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { MessagingGateway, User } from '../../src/index.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { keepLogLines } from '../support/log-lines.js';
import { request, UPGRADE_HEADERS } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, SECRET, soon, token, unsigned } from '../support/tokens.js';

@MessagingGateway()
class MeGateway {
  @SubscribeMessage('me')
  me(@User() user: string) {
    return { user, kind: typeof user };
  }
}
@Module({ providers: [MeGateway] })
class MeModule {}

const key = new TextEncoder().encode(SECRET);
const sign = (claims: Record<string, unknown>): Promise<string> =>
  new SignJWT({ exp: soon(60), ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(key);

let server: TestServer;
afterEach(() => server.stop());

/** Attempts a handshake; returns 101, or the status and the code. */
async function handshake(headers: Record<string, string>): Promise<number | string> {
  const protocols = headers['Sec-WebSocket-Protocol'];
  const client = await server
    .connect({ headers: headers, ...(protocols !== undefined && { protocols: protocols.split(', ') }) })
    .catch(() => undefined);
  if (client !== undefined) {
    await client.close(1000);
    return 101;
  }
  const { status, body } = await ask(server.url.replace('ws:', 'http:'), { headers: { ...HANDSHAKE, ...headers } });
  return `${status} ${(JSON.parse(body) as { error: { code: string } }).error.code}`;
}

const UNAUTHORIZED = '401 unauthorized';

describe('an Authorization header', () => {
  const asProtocol = (jwt: string) => ({ 'Sec-WebSocket-Protocol': `switchboard.v1, bearer.${jwt}` });

  it.each(['Basic dTpw', 'Negotiate YIIB', 'Token abc', 'JWT abc', 'Bearertoken abc', 'ApiKey', ''])(
    'of another scheme (%j) is not a token, beside a good one in a subprotocol or beside no token',
    async (authorization) => {
      server = await startServer({ ...AUTH, AUTH: 'optional' });
      expect(await handshake({ authorization })).toBe(101);
      expect(await handshake({ authorization, ...asProtocol(await token()) })).toBe(101);
      expect(await handshake({ authorization, ...asProtocol('nonsense') })).toBe(UNAUTHORIZED);
    },
  );

  it('of another scheme is not enough where a token is required', async () => {
    server = await startServer(AUTH);
    const jwt = await token();
    for (const authorization of ['Basic dTpw', `Token ${jwt}`, `JWT ${jwt}`, ''])
      expect([authorization, await handshake({ authorization })]).toEqual([authorization, UNAUTHORIZED]);
    expect(await handshake({ authorization: 'Basic dTpw', ...asProtocol(jwt) })).toBe(101);
  });

  it('of the scheme Bearer, in any case, must have a token', async () => {
    server = await startServer({ ...AUTH, AUTH: 'optional' });
    const jwt = await token();
    for (const authorization of [`Bearer ${jwt}`, `bearer ${jwt}`, `BEARER  ${jwt}`])
      expect(await handshake({ authorization })).toBe(101);
    for (const authorization of ['Bearer', 'Bearer ', 'bearer', `Bearer ${jwt} x`, `Bearer, ${jwt}`])
      expect([authorization, await handshake({ authorization })]).toEqual([authorization, UNAUTHORIZED]);
    expect(await handshake({ 'Sec-WebSocket-Protocol': 'switchboard.v1, bearer.' })).toBe(UNAUTHORIZED);
    expect(await handshake({ authorization: 'Bearer', ...asProtocol(jwt) })).toBe(UNAUTHORIZED);
  });

  it('may repeat the token of the subprotocol, but not carry another one', async () => {
    server = await startServer(AUTH);
    const [ann, bob] = [await token(), await token({ sub: 'bob' })];
    expect(await handshake({ authorization: `Bearer ${ann}`, ...asProtocol(ann) })).toBe(101);
    expect(await handshake({ authorization: `Bearer ${ann}`, ...asProtocol(bob) })).toBe(UNAUTHORIZED);
    const both = { 'Sec-WebSocket-Protocol': `switchboard.v1, bearer.${ann}, bearer.${bob}` };
    expect(await handshake(both)).toBe(UNAUTHORIZED);
  });

  it('may come beside one of another scheme, but not beside another token', async () => {
    server = await startServer(AUTH);
    const [ann, bob] = [await token(), await token({ sub: 'bob' })];
    const status = async (...values: string[]): Promise<number> => {
      const headers = [...UPGRADE_HEADERS, ...values.map((value) => `Authorization: ${value}`)];
      const socket = connectTcp(server.port, '127.0.0.1');
      socket.write(request('GET /wss HTTP/1.1', headers));
      const [first] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return Number(String(first).split(' ')[1]);
    };
    expect(await status(`Basic dTpw`, `Bearer ${ann}`)).toBe(101);
    expect(await status(`Bearer ${ann}`, `Basic dTpw`)).toBe(101);
    expect(await status(`Bearer ${ann}`, `bearer ${ann}`)).toBe(101);
    expect(await status(`Bearer ${ann}`, `Bearer ${bob}`)).toBe(401);
    expect(await status(`Bearer ${ann}`, `Bearer`)).toBe(401);
    expect(await status(`Basic dTpw`, `Basic dTpw`)).toBe(401);
  });
});

describe('the sub of a token', () => {
  it.each([
    [42, '42'],
    [0, '0'],
    [-7, '-7'],
    [9_007_199_254_740_991, '9007199254740991'],
    ['42', '42'],
    ['a'.repeat(256), 'a'.repeat(256)],
    ['ann 😀', 'ann 😀'],
  ])('%j is the user %j', async (sub, user) => {
    server = await startServer(AUTH, [MeModule]);
    const client = await server.connect(bearer(await sign({ sub })));
    client.send({ type: 'me' });
    expect((await client.next('me')).data).toEqual({ user, kind: 'string' });
    await client.close(1000);
  });

  it('that is a number is renewed by a number or by its text', async () => {
    server = await startServer(AUTH);
    const client = await server.connect(bearer(await sign({ sub: 42 })));
    const renewals: [unknown, string][] = [
      [42, 'accepted'],
      ['42', 'accepted'],
      [43, 'forbidden'],
      ['042', 'forbidden'],
    ];
    for (const [sub, result] of renewals) {
      client.send({ type: 'sys.auth', id: '1', data: { token: await sign({ sub }) } });
      const { data } = await client.answer('1');
      expect([sub, data.status ?? data.code]).toEqual([sub, result]);
    }
    await client.close(1000);
  });
});

describe('the exp of a token', () => {
  it.each([
    ['1e999', 401],
    ['1e300', 401],
    ['8640000000001', 401],
    ['8640000000000', 101],
  ])('must be a time that a Date can hold: %s', async (exp, answer) => {
    server = await startServer(AUTH);
    const claims = Buffer.from(`{"sub":"ann","exp":${exp}}`);
    const jwt = await new CompactSign(claims).setProtectedHeader({ alg: 'HS256' }).sign(key);
    expect(String(await handshake({ Authorization: `Bearer ${jwt}` }))).toMatch(String(answer));
  });
});

describe('the log line of a refused token', () => {
  const lines = keepLogLines();
  const refused = (): string[] => lines.filter((line) => / info +(handshake|token) refused/.test(line));

  it.each([
    ['without sub', () => sign({}), '"sub"'],
    ['with an empty sub', () => sign({ sub: '' }), '"sub"'],
    ['with a long sub', () => sign({ sub: 'x'.repeat(257) }), '"sub"'],
    ['with half a character in sub', () => sign({ sub: 'ann\ud83d' }), '"sub"'],
    ['with an object as sub', () => sign({ sub: { id: 42 } }), '"sub"'],
    ['with true as sub', () => sign({ sub: true }), '"sub"'],
    ['with a fraction as sub', () => sign({ sub: 1.5 }), '"sub"'],
    ['with a sub beyond 2^53', () => sign({ sub: 2 ** 53 }), '"sub"'],
    ['without exp', () => sign({ sub: 'ann', exp: undefined }), '"exp"'],
    ['with exp as text', () => sign({ sub: 'ann', exp: String(soon(60)) }), '"exp"'],
    ['that has expired', () => sign({ sub: 'ann', exp: soon(-60) }), 'expired'],
    ['that is not valid yet', () => sign({ sub: 'ann', nbf: soon(60) }), '"nbf"'],
    ['for another issuer', () => sign({ sub: 'ann', iss: 'them', aud: 'chat' }), '"iss"'],
    ['for another audience', () => sign({ sub: 'ann', iss: 'us', aud: 'mail' }), '"aud"'],
    ['with nbf as text', () => sign({ sub: 'ann', nbf: 'soon' }), '"nbf"'],
    ['with null as sub', () => sign({ sub: null }), '"sub"'],
    ['without a signature', () => Promise.resolve(unsigned({ sub: 'ann', exp: soon(60) })), '"alg"'],
    ['with another key', () => token({ key: Buffer.from('another secret of thirty-two bytes!') }), 'signature'],
    ['of another algorithm', () => token({ header: { alg: 'HS512' } }), '"alg"'],
    ['that is no JWT', () => Promise.resolve('garbage'), 'malformed'],
  ])('%s names the reason, and not the token', async (name, make, reason) => {
    const audience = /issuer|audience/.test(name) ? { AUTH_ISSUER: 'us', AUTH_AUDIENCE: 'chat' } : {};
    server = await startServer({ ...AUTH, ...audience, LOG_LEVEL: 'info' });
    const jwt = await make();
    expect(await handshake(bearer(jwt).headers)).toBe(UNAUTHORIZED);
    expect(refused()).toHaveLength(2); // `handshake` attempts twice
    expect(refused()[0]).toContain('code=unauthorized');
    expect(refused()[0]).toMatch(/reason="?.*token/);
    expect(refused()[0]!.replaceAll('\\', '')).toContain(reason);
    for (const part of jwt.split('.').filter(Boolean)) expect(lines.join('')).not.toContain(part);
  });

  it('names a missing token, and two different ones', async () => {
    server = await startServer({ ...AUTH, LOG_LEVEL: 'info' });
    const jwt = await token();
    await handshake({});
    expect(refused()[0]).toMatch(/reason=.*no token/);
    const count = refused().length;
    const protocols = `switchboard.v1, bearer.${jwt}`;
    await handshake({ authorization: 'Bearer x', 'Sec-WebSocket-Protocol': protocols });
    expect(refused()[count]).toMatch(/reason=.*different tokens/);
  });

  it('of sys.auth names the reason and the session', async () => {
    server = await startServer({ ...AUTH, LOG_LEVEL: 'info' });
    const client = await server.connect(bearer(await token()));
    client.send({ type: 'sys.auth', id: '1', data: { token: await sign({ sub: 'ann', exp: soon(-60) }) } });
    expect((await client.answer('1')).data.code).toBe('forbidden');
    expect(refused()[0]).toMatch(new RegExp(`token refused .*reason=.*expired.*session=${client.id}`));
    client.send({ type: 'sys.auth', id: '2', data: { token: await token({ sub: 'bob' }) } });
    expect((await client.answer('2')).data.code).toBe('forbidden');
    expect(refused()[1]).toMatch(/reason=.*another user/);
    await client.close(1000);
  });
});
