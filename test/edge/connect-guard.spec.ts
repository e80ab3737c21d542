import {
  ForbiddenException,
  HttpException,
  Inject,
  Injectable,
  InternalServerErrorException,
  Module,
  NotFoundException,
  Scope,
  UnauthorizedException,
  type DynamicModule,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { SubscribeMessage, WsException } from '@nestjs/websockets';
import { EventEmitter, once } from 'node:events';
import { exportJWK, generateKeyPair } from 'jose';
import { createServer, type IncomingMessage } from 'node:http';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  Claims,
  ConnectGuard,
  createApp,
  MessagingGateway,
  StartError,
  startApp,
  User,
  type ConnectAttempt,
  type ConnectVerdict,
  type OnSessionArrival,
  type OnSessionDeparture,
} from '../../src/index.js';
import { NodeState } from '../../src/node/node-state.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { ask, HANDSHAKE, type Answer } from '../support/ask.js';
import { clientFrame, closeFrame } from '../support/client-frames.js';
import { Deferred } from '../support/deferred.js';
import { keepLogLines } from '../support/log-lines.js';
import { request, UPGRADE_HEADERS } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, soon, token } from '../support/tokens.js';

type Check = (attempt: ConnectAttempt) => ConnectVerdict | Promise<ConnectVerdict>;

/** Hooks that the gateway of the current test has run. */
let hooks: string[] = [];
@MessagingGateway()
class MeGateway implements OnSessionArrival, OnSessionDeparture {
  readonly #hooks = hooks;

  handleConnection(): void {
    this.#hooks.push('handleConnection');
  }

  handleDisconnect(): void {
    this.#hooks.push('handleDisconnect');
  }

  onSessionArrival(): void {
    this.#hooks.push('onSessionArrival');
  }

  onSessionDeparture(): void {
    this.#hooks.push('onSessionDeparture');
  }

  @SubscribeMessage('me')
  me(@User() user: string | undefined, @Claims() claims: object | undefined) {
    return { user: user ?? 'nobody', claims, frozen: Object.isFrozen(claims) };
  }
}

@Module({})
class GuardModule {
  static of(...providers: NonNullable<DynamicModule['providers']>): DynamicModule {
    return { module: GuardModule, providers: [MeGateway, ...providers] };
  }
}

/** Calls a function of the test. */
class TestGuard extends ConnectGuard {
  readonly attempts: ConnectAttempt[] = [];

  constructor(private readonly check: Check) {
    super();
  }

  canConnect(attempt: ConnectAttempt): ConnectVerdict | Promise<ConnectVerdict> {
    this.attempts.push(attempt);
    return this.check(attempt);
  }
}

let server: TestServer;
let guard: TestGuard;
const lines = keepLogLines();
beforeEach(() => void (hooks = []));
afterEach(() => server.stop());

async function start(check: Check, variables: Record<string, string> = {}): Promise<void> {
  guard = new TestGuard(check);
  server = await startServer(variables, [GuardModule.of({ provide: ConnectGuard, useValue: guard })]);
}

const knock = (headers: Record<string, string> = {}, path = '/wss'): Promise<Answer> =>
  ask(`http://127.0.0.1:${server.port}${path}`, { headers: { ...HANDSHAKE, ...headers } });

/** Returns the status, the code and the message of a rejection. */
function parts({ status, body }: Answer): [number, string, string] {
  const { error } = JSON.parse(body) as { error: { code: string; message: string } };
  return [status, error.code, error.message];
}

/** A check that waits until the test decides. */
function openCheck() {
  const events = new EventEmitter();
  let decide!: (verdict: ConnectVerdict) => void;
  let fail!: (error: Error) => void;
  const verdict = new Promise<ConnectVerdict>((resolve, reject) => {
    decide = resolve;
    fail = reject;
  });
  const asked = once(events, 'asked') as Promise<[ConnectAttempt]>;
  const check: Check = (attempt) => {
    events.emit('asked', attempt);
    return verdict;
  };
  return { check, asked, decide, fail };
}

const openSessions = (): number => server.app.get(SessionRegistry).size;

describe('a ConnectGuard', () => {
  it('gets the request, the address and the verified token, and admits by true', async () => {
    await start(() => true, { ...AUTH, AUTH: 'optional', FRONT_PROXIES: '127.0.0.1' });
    const expires = soon(60);
    const headers = { cookie: 'a=b', 'x-forwarded-for': '203.0.113.7' };
    const jwt = await token({ claims: { role: 'admin' }, expires });
    const ann = await server.connect({ headers: { ...headers, ...bearer(jwt).headers } });
    const [attempt] = guard.attempts;
    expect(attempt).toMatchObject({ address: '203.0.113.7', user: 'ann', expiresAt: expires });
    expect(attempt!.claims).toMatchObject({ role: 'admin' });
    expect(attempt!.request.headers.cookie).toBe('a=b');
    expect(attempt!.request.url).toBe('/wss');
    ann.send({ type: 'me' });
    expect((await ann.next('me')).data).toMatchObject({ user: 'ann', claims: { role: 'admin' } });
    const anonymous = await server.connect();
    expect(guard.attempts[1]).toMatchObject({ address: '127.0.0.1', user: undefined, claims: undefined });
    await Promise.all([ann.close(1000), anonymous.close(1000)]);
  });

  const REFUSALS: readonly (readonly [string, Check, number, string])[] = [
    ['false', () => false, 403, 'The application has refused this connection.'],
    ['a promise of false', () => Promise.resolve(false), 403, 'The application has refused this connection.'],
    ['a status 401', () => ({ status: 401, message: 'No key.' }), 401, 'No key.'],
    ['a status 403', () => ({ status: 403, message: 'Not “you”\r\n.' }), 403, 'Not “you”\r\n.'],
    ['a status 429', () => ({ status: 429 }), 429, 'The application has refused this connection.'],
    ['UnauthorizedException', () => raise(new UnauthorizedException('Log in.')), 401, 'Log in.'],
    ['UnauthorizedException without a text', () => raise(new UnauthorizedException()), 401, 'Unauthorized'],
    ['ForbiddenException', () => Promise.reject(new ForbiddenException('Not here.')), 403, 'Not here.'],
    ['HttpException 429', () => raise(new HttpException('Slowly.', 429)), 429, 'Slowly.'],
    ['HttpException with several texts', () => raise(new HttpException({ message: ['a', 'b'] }, 401)), 401, 'a; b'],
    ['another status 4xx', () => raise(new NotFoundException('No such user.')), 403, 'No such user.'],
    ['WsException', () => raise(new WsException('Banned.')), 403, 'Banned.'],
    ['WsException with an object', () => raise(new WsException({ message: 'Banned.' })), 403, 'Banned.'],
    ['a user whose login has ended', () => ({ user: 'ann', expiresAt: 1 }), 401, 'The login has expired.'],
    ['an exception of another copy of Nest', () => raise(new OtherUnauthorized()), 401, 'Another copy.'],
  ];
  it.each(REFUSALS)('refuses by %s, with its status and text', async (_, check, status, message) => {
    await start(check);
    const answer = await knock();
    expect(parts(answer)).toEqual([status, 'refused', message]);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    if (status === 401) expect(answer.headers['www-authenticate']).toBe('Bearer');
    if (status === 429) expect(answer.headers['retry-after']).toBe('5');
    expect(lines.filter((line) => / error /.test(line))).toEqual([]);
  });

  it('adds headers to a refusal', async () => {
    const headers = { 'www-authenticate': 'Cookie', 'Set-Cookie': 'sid=; Max-Age=0' };
    await start(() => ({ status: 401, headers, retryAfterSeconds: 2.5 }));
    const answer = await knock();
    expect(answer.headers['www-authenticate']).toBe('Cookie');
    expect(answer.headers['set-cookie']).toEqual(['sid=; Max-Age=0']);
    expect(answer.headers['retry-after']).toBe('3');
  });

  it.each<[string, Check]>([
    ['throws', () => raise(new Error('the database is at 10.1.2.3'))],
    ['rejects', () => Promise.reject(new TypeError('the database is at 10.1.2.3'))],
    ['throws a text', () => raise('the database is at 10.1.2.3')],
    ['throws undefined', () => raise(undefined)],
    ['throws an HttpException 5xx', () => raise(new InternalServerErrorException('the database is at 10.1.2.3'))],
    ['returns nothing', () => undefined as never],
    ['returns null', () => null as never],
    ['returns a text', () => 'yes' as never],
    ['returns an empty object', () => ({}) as never],
    ['returns no user', () => ({ user: undefined }) as never],
    ['returns an empty user', () => ({ user: '' })],
    ['returns a long user', () => ({ user: 'x'.repeat(257) })],
    ['returns a user that JavaScript has rounded', () => ({ user: 2 ** 53 })],
    ['returns claims that are no object', () => ({ user: 'ann', claims: 'admin' as never })],
    ['returns an expiry that is no number', () => ({ user: 'ann', expiresAt: NaN })],
    ['returns a status 200', () => ({ status: 200 }) as never],
    ['returns a status 302', () => ({ status: 302, user: 'ann' }) as never],
    ['returns a header with a line break', () => ({ status: 401, headers: { X: 'a\r\nSet-Cookie: b' } })],
    ['returns a header of the response’s form', () => ({ status: 401, headers: { 'content-LENGTH': 0 } })],
  ])('that %s fails: 503, an incident in the log, and no session', async (_, check) => {
    await start(check);
    const answer = await knock();
    const [status, code, message] = parts(answer);
    expect([status, code]).toEqual([503, 'unavailable']);
    expect(answer.headers['retry-after']).toBe('5');
    const incident = /incident ([0-9a-f]+)/.exec(message)![1]!;
    expect(answer.body).not.toContain('10.1.2.3');
    expect(lines.filter((line) => line.includes(incident))).toHaveLength(1);
    expect(openSessions()).toBe(0);
  });

  it.each<ConnectVerdict>([
    { status: 429, retryAfterSeconds: Number.NaN },
    { status: 429, retryAfterSeconds: 3, headers: { 'retry-after': 4 } },
  ])('must name one time to wait, a number: %j', async (verdict) => {
    await start(() => verdict);
    expect((await knock()).status).toBe(503);
    expect(lines.join('')).toMatch(/TypeError: .*retryAfterSeconds/);
  });

  it('shows nobody anything of a client that it refuses, but counts and logs the refusal', async () => {
    await start(({ request: { headers } }) => headers['x-api-key'] === 'right' || { status: 401, message: 'No key.' }, {
      LOG_LEVEL: 'info',
    });
    const ann = await server.connect({ headers: { 'x-api-key': 'right' } });
    hooks.length = 0;
    for (const key of ['wrong', '']) expect((await knock({ 'x-api-key': key })).status).toBe(401);
    ann.send({ type: 'sys.who', id: '1' });
    expect((await ann.answer('1')).data).toEqual({ sessions: [ann.id], total: 1 });
    await ann.settled();
    expect(ann.inbox).toEqual([]);
    expect(hooks).toEqual([]);
    expect(
      lines.filter((line) => /handshake refused {2}code=refused reason="No key\." address=127/.test(line)),
    ).toHaveLength(2);
    const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    expect(metrics).toMatch(/^switchboard_handshakes_total\{[^}]*"refused"[^}]*\} 2$/m);
    await ann.close(1000);
  });

  it('is asked last: not for another path, method, origin or token, nor over a limit', async () => {
    await start(() => true, { ...AUTH, NODE_ENV: 'production', MAX_CONNECTIONS: '1' });
    expect((await knock({}, '/other')).status).toBe(404);
    expect((await knock({ 'Sec-WebSocket-Version': '8' })).status).toBe(426);
    expect((await knock({ origin: 'https://evil.test' })).status).toBe(403);
    expect(parts(await knock())[1]).toBe('unauthorized');
    expect(parts(await knock({ authorization: 'Bearer x' }))[1]).toBe('unauthorized');
    expect(guard.attempts).toEqual([]);
    const ann = await server.connect(bearer(await token()));
    expect(parts(await knock(bearer(await token()).headers))[1]).toBe('full');
    expect(guard.attempts).toHaveLength(1);
    await ann.close(1000);
  });
});

describe('the user that a ConnectGuard supplies', () => {
  const byCookie: Check = ({ request: { headers } }) => {
    const user = /user=(\w+)/.exec(headers.cookie ?? '')?.[1];
    return user === undefined ? { status: 401 } : { user, claims: { role: 'guest' } };
  };
  const as = (user: string) => ({ headers: { cookie: `user=${user}` } });

  it('is that of the session, with its claims, frozen', async () => {
    await start(byCookie, { SHOW_USERS: 'on' });
    const ann = await server.connect(as('ann'));
    const bob = await server.connect(as('bob'));
    expect((await ann.next('sys.arrived')).data).toEqual({ user: 'bob' });
    bob.send({ type: 'me' });
    expect((await bob.next('me')).data).toEqual({ user: 'bob', claims: { role: 'guest' }, frozen: true });
    await Promise.all([ann.close(1000), bob.close(1000)]);
  });

  it('may be a whole number and have no claims', async () => {
    await start(() => ({ user: 42 }));
    const ann = await server.connect();
    ann.send({ type: 'me' });
    expect((await ann.next('me')).data).toEqual({ user: '42', frozen: true });
    await ann.close(1000);
  });

  it('replaces that of a token, its claims and its expiry', async () => {
    await start(() => ({ user: 'team' }), { ...AUTH });
    const ann = await server.connect(bearer(await token({ claims: { role: 'admin' } })));
    expect(guard.attempts[0]!.user).toBe('ann');
    ann.send({ type: 'me' });
    expect((await ann.next('me')).data).toEqual({ user: 'team', frozen: true });
    expect([...server.app.get(SessionRegistry).all()][0]!.identity.expiresAt).toBeUndefined();
    await ann.close(1000);
  });

  it('has at most MAX_CONNECTIONS_PER_USER connections', async () => {
    await start(byCookie, { MAX_CONNECTIONS_PER_USER: '1' });
    const ann = await server.connect(as('ann'));
    expect(parts(await knock(as('ann').headers)).slice(0, 2)).toEqual([429, 'too_many_connections']);
    const bob = await server.connect(as('bob'));
    await ann.close(1000);
    await bob.next('sys.departed');
    await (await server.connect(as('ann'))).close(1000);
    await bob.close(1000);
  });

  it('cannot be renewed by a token, even of the same name', async () => {
    await start(() => ({ user: 'ann', claims: { role: 'admin' } }), { ...AUTH, AUTH: 'optional' });
    const ann = await server.connect();
    ann.send({ type: 'sys.auth', id: '1', data: { token: await token() } });
    expect((await ann.answer('1')).data.code).toBe('forbidden');
    ann.send({ type: 'me' });
    expect((await ann.next('me')).data.claims).toEqual({ role: 'admin' });
    await ann.close(1000);
  });

  it('ends its session with 4102 at its expiry', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const expiresAt = Date.now() / 1000 + 60.5;
      await start(() => ({ user: 'ann', expiresAt }), { AUTH_SKEW_MS: '0' });
      const ann = await server.connect();
      vi.setSystemTime(Date.now() + 61_000);
      expect(await ann.closed).toEqual({ code: 4102, reason: 'token_expired' });
    } finally {
      vi.useRealTimers();
    }
  });

  it('leaves a token that true admits renewable', async () => {
    await start(() => true, AUTH);
    const ann = await server.connect(bearer(await token()));
    ann.send({ type: 'sys.auth', id: '1', data: { token: await token() } });
    expect((await ann.answer('1')).data).toEqual({ status: 'accepted' });
    await ann.close(1000);
  });
});

describe('a ConnectGuard that waits', () => {
  it('holds messages back that the client has sent already', async () => {
    const { check, asked, decide } = openCheck();
    await start(check);
    const tcp = connectTcp(server.port, '127.0.0.1');
    const ping = clientFrame('{"type":"sys.ping","data":7}');
    tcp.write(request('GET /wss HTTP/1.1'));
    await asked;
    tcp.write(Buffer.concat([ping, ping, closeFrame()]));
    await new Promise((resolve) => setImmediate(resolve));
    decide(true);
    const received = await text(tcp);
    expect(received.indexOf('sys.welcome')).toBeLessThan(received.indexOf('sys.pong'));
    expect(received.match(/sys\.pong/g)).toHaveLength(2);
  });

  it('is answered 503 after HANDSHAKE_TIMEOUT_MS, and a late verdict opens nothing', async () => {
    const { check, asked, decide } = openCheck();
    await start(check, { HANDSHAKE_TIMEOUT_MS: '100', MAX_CONNECTIONS: '1' });
    const answer = await knock();
    expect(parts(answer).slice(0, 2)).toEqual([503, 'unavailable']);
    const [attempt] = await asked;
    expect(attempt.signal.aborted).toBe(true);
    decide(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect([openSessions(), hooks]).toEqual([0, []]);
    await (await server.connect()).close(1000); // the connection was uncounted
  });

  it.each<[string, object]>([
    ['getStatus()', { getStatus: () => raise(new Error('a broken status')), getResponse: () => 'text' }],
    ['getError()', { getError: () => raise(new Error('a broken error')) }],
    ['the response', { getStatus: () => 401, getResponse: () => new BrokenText() }],
    ['a getter', new BrokenText()],
  ])('is answered 503 and uncounted where %s of its exception throws', async (_, thrown) => {
    await start(({ request: { headers } }) => (headers.cookie === undefined ? raise(thrown) : true), {
      MAX_CONNECTIONS: '1',
    });
    const answer = await knock();
    expect(parts(answer).slice(0, 2)).toEqual([503, 'unavailable']);
    expect(lines.join('')).toMatch(/Error: a broken .*[\s\S]*incident=/);
    await (await server.connect({ headers: { cookie: 'a=b' } })).close(1000);
  });

  it('has its late exception logged', async () => {
    const { check, fail } = openCheck();
    await start(check, { HANDSHAKE_TIMEOUT_MS: '100' });
    expect((await knock()).status).toBe(503);
    fail(new Error('too late'));
    await expect.poll(() => lines.join('')).toMatch(/Error: too late[\s\S]*incident=/);
  });

  it('counts as a connection, so that checks are bounded', async () => {
    const { check, asked, decide } = openCheck();
    await start(check, { MAX_CONNECTIONS: '1' });
    const first = server.connect();
    await asked;
    expect(parts(await knock()).slice(0, 2)).toEqual([503, 'full']);
    decide(true);
    await (await first).close(1000);
  });

  it.each(['ends its half', 'resets the connection'])(
    'is aborted when the client %s, and nobody is notified',
    async (how) => {
      const { check, asked, decide } = openCheck();
      await start(
        ({ request: { headers }, ...rest }) =>
          headers.cookie === undefined ? check({ request: { headers } as IncomingMessage, ...rest }) : true,
        { MAX_CONNECTIONS: '2' },
      );
      const ann = await server.connect({ headers: { cookie: 'a=b' } });
      hooks.length = 0;
      const tcp = connectTcp(server.port, '127.0.0.1');
      tcp.on('error', () => undefined);
      tcp.write(request('GET /wss HTTP/1.1', UPGRADE_HEADERS));
      const [{ signal }] = await asked;
      const aborted = once(signal, 'abort');
      if (how === 'ends its half') tcp.end();
      else tcp.resetAndDestroy();
      await aborted;
      decide(true);
      const comeAndGo = async (): Promise<void> => {
        const bob = await server.connect({ headers: { cookie: 'a=b' } }); // the connection is uncounted
        await bob.close(1000);
      };
      await vi.waitFor(comeAndGo, { timeout: 15_000 });
      tcp.destroy();
      await ann.next('sys.arrived');
      await ann.next('sys.departed');
      await ann.settled();
      expect(ann.inbox).toEqual([]);
      expect(hooks.filter((hook) => hook === 'onSessionArrival')).toHaveLength(1);
      await ann.close(1000);
    },
  );

  it('is not asked about a client that left while its token was verified', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwt = await token({ key: privateKey, header: { alg: 'ES256', kid: 'a' } });
    const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'a', alg: 'ES256' }] });
    const [asked, sendKeys] = [new Deferred(), new Deferred()];
    const source = createServer((_, response) => {
      asked.resolve();
      void sendKeys.promise.then(() => response.setHeader('Content-Type', 'application/json').end(keys));
    }).listen(0, '127.0.0.1');
    await once(source, 'listening');
    const { port } = source.address() as AddressInfo;
    await start(() => true, { AUTH: 'required', AUTH_JWKS: `http://127.0.0.1:${port}/`, MAX_CONNECTIONS: '1' });
    const upgraded = once(server.app.getHttpServer() as EventEmitter, 'upgrade') as Promise<[IncomingMessage]>;
    const tcp = connectTcp(server.port, '127.0.0.1').on('error', () => undefined);
    tcp.write(request('GET /wss HTTP/1.1', [...UPGRADE_HEADERS, `Authorization: Bearer ${jwt}`]));
    const [{ socket }] = await upgraded;
    await asked.promise;
    const left = new Promise((resolve) => socket.once('close', resolve)); // `once` would reject with the reset
    tcp.resetAndDestroy();
    await left;
    sendKeys.resolve();
    const comeAndGo = async (): Promise<unknown> => (await server.connect(bearer(jwt))).close(1000);
    await vi.waitFor(comeAndGo, { timeout: 15_000 }); // the first one is uncounted
    expect(guard.attempts.map(({ request: { socket: each } }) => each === socket)).toEqual([false]);
    source.close();
    source.closeAllConnections();
  });

  it('is answered 503 draining when the node drains meanwhile', async () => {
    const { check, asked, decide } = openCheck();
    await start(check);
    const answer = knock();
    const [{ signal }] = await asked;
    server.app.get(NodeState).drain();
    expect(parts(await answer).slice(0, 2)).toEqual([503, 'draining']);
    expect(signal.aborted).toBe(true);
    decide(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(hooks).toEqual([]);
  });

  it('is answered 503 when the application closes, which does not wait for it', async () => {
    const { check, asked } = openCheck();
    await start(check, { HANDSHAKE_TIMEOUT_MS: '0' });
    const answer = knock();
    await asked;
    await server.app.close();
    expect((await answer).status).toBe(503);
  });
});

describe('the provider of a ConnectGuard', () => {
  @Injectable()
  class Keys {
    has(key: unknown): boolean {
      return key === 'right';
    }
  }

  @Injectable()
  class KeyGuard extends ConnectGuard {
    constructor(private readonly keys: Keys) {
      super();
    }

    canConnect({ request: { headers } }: ConnectAttempt): boolean {
      return this.keys.has(headers['x-api-key']);
    }
  }

  @Injectable()
  class OpenGuard extends ConnectGuard {
    canConnect(): boolean {
      return true;
    }
  }

  @Injectable()
  class AskingGuard extends ConnectGuard {
    constructor(private readonly keys: KeyGuard) {
      super();
    }

    canConnect(attempt: ConnectAttempt): boolean {
      return this.keys.canConnect(attempt);
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  class ScopedGuard extends ConnectGuard {
    constructor(@Inject(REQUEST) private readonly seen: IncomingMessage) {
      super();
    }

    canConnect(): boolean {
      return this.seen.headers['x-api-key'] === 'right';
    }
  }

  @Injectable({ scope: Scope.TRANSIENT })
  class TransientGuard extends KeyGuard {}

  it.each<[string, NonNullable<DynamicModule['providers']>]>([
    ['useClass', [Keys, { provide: ConnectGuard, useClass: KeyGuard }]],
    ['its own class alone', [Keys, KeyGuard]],
    ['its own class and useExisting', [Keys, KeyGuard, { provide: ConnectGuard, useExisting: KeyGuard }]],
    ['a class that asks another one', [Keys, KeyGuard, OpenGuard, { provide: ConnectGuard, useClass: AskingGuard }]],
    ['an async factory', [{ provide: ConnectGuard, useFactory: () => Promise.resolve(new KeyGuard(new Keys())) }]],
    ['request scope', [{ provide: ConnectGuard, useClass: ScopedGuard }]],
    ['request scope, under its own class', [ScopedGuard]],
    ['transient scope', [Keys, { provide: ConnectGuard, useClass: TransientGuard }]],
  ])('may be given by %s', async (_, providers) => {
    server = await startServer({}, [GuardModule.of(...providers)]);
    expect((await knock({ 'x-api-key': 'wrong' })).status).toBe(403);
    await (await server.connect({ headers: { 'x-api-key': 'right' } })).close(1000);
  });

  it.each<[string, NonNullable<DynamicModule['providers']>, RegExp]>([
    ['there are two classes', [Keys, KeyGuard, OpenGuard], /KeyGuard of .* and OpenGuard of .* extend it; add/],
    [
      'it has no canConnect',
      [{ provide: ConnectGuard, useValue: {} }],
      /ConnectGuard of .*must have a method canConnect/,
    ],
    ['it is null', [{ provide: ConnectGuard, useValue: null }], /ConnectGuard of .*must have a method canConnect/],
  ])('ends the start where %s', async (_, providers, message) => {
    server = await startServer();
    const variables = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error' };
    const app = await createApp({ variables, handlers: [GuardModule.of(...providers)] });
    const started = startApp(app);
    await expect(started).rejects.toThrow(StartError);
    await expect(started).rejects.toThrow(message);
    await app.close().catch(() => undefined);
  });
});

describe('a listener of the application for upgrades', () => {
  it.each(['/wss', '/other'])('may answer %s first; no session opens on its socket', async (path) => {
    server = await startServer({}, [GuardModule.of()]);
    const http = server.app.getHttpServer() as EventEmitter;
    http.prependListener('upgrade', (_: unknown, socket: { end(bytes: string): void }) =>
      socket.end('HTTP/1.1 402 Payment Required\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno'),
    );
    const { status, body } = await knock({}, path);
    expect({ status, body }).toEqual({ status: 402, body: 'no' });
    expect([openSessions(), hooks]).toEqual([0, []]);
  });
});

/** An exception of the class of another copy of Nest. */
class OtherUnauthorized extends Error {
  getStatus(): number {
    return 401;
  }

  getResponse(): object {
    return { message: 'Another copy.' };
  }
}

/** An exception whose text cannot be read. */
class BrokenText {
  get message(): string {
    throw new Error('a broken text');
  }

  get getError(): unknown {
    throw new Error('a broken getter');
  }
}

function raise(error: unknown): never {
  throw error;
}
