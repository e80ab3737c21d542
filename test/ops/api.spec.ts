import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Drain } from '../../src/ops/shutdown/drain.js';
import { API_KEY as NEW, callApi, problem, type CallOptions } from '../support/api.js';
import { ask, type Answer } from '../support/ask.js';
import { connect } from '../support/client.js';
import { request } from '../support/raw-http.js';
import { StalledReader } from '../support/stalled-reader.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const OLD = 'an-old-key-of-many-characters';

describe('the HTTP API', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer({ ...AUTH, AUTH: 'optional', API_KEYS: `${OLD},${NEW}` });
  });
  afterEach(() => server.stop());

  const call = (method: string, path: string, options?: CallOptions): Promise<Answer> =>
    callApi(server, method, path, options);

  const post = (message: object | string, headers: Record<string, string> = {}): Promise<Answer> =>
    call('POST', '/messages', { body: typeof message === 'string' ? message : JSON.stringify(message), headers });

  it('is absent where API_KEYS is not set', async () => {
    await server.stop();
    server = await startServer();
    for (const path of ['/stats', '/messages', '/openapi.json']) expect((await call('GET', path)).status).toBe(404);
  });

  it('accepts each of its keys and no other', async () => {
    for (const key of [OLD, NEW]) expect((await call('GET', '/stats', { key })).status).toBe(200);
    for (const key of ['', `${NEW}x`, NEW.slice(1), `${OLD},${NEW}`]) {
      const answer = await call('GET', '/stats', { key });
      expect(problem(answer)).toBe('401 unauthorized');
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
  });

  it('delivers a message to one session with unchanged data', async () => {
    const ann = await connect(server.url);
    const body = `{"type":"order.paid","receiver":"${ann.id}","data":{"b":1.0,"a":"grüße","big":12345678901234567890}}`;
    const answer = await post(body);
    expect([answer.status, answer.body]).toEqual([200, '{"status":"routed"}']);
    await ann.next('order.paid');
    expect(ann.frames.at(-1)).toBe(`{"sender":"server",${body.slice(1)}`);
    await post({ type: 'bill', receiver: ann.id, sender: 'server/billing' });
    expect((await ann.next('bill')).sender).toBe('server/billing');
  });

  it('takes the rest of a body that is too large, and no request behind it', async () => {
    const ann = await connect(server.url);
    const head = (length: number): string =>
      request('POST /api/v1/messages HTTP/1.1', [
        'Host: localhost',
        `Authorization: Bearer ${NEW}`,
        'Content-Type: application/json',
        `Content-Length: ${length}`,
      ]);
    const socket = connectTcp({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(head(5_000_000));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1\.1 413 .*"message_too_big"/s);
    const message = JSON.stringify({ type: 'late', receiver: ann.id });
    await new Promise<void>((resolve) =>
      socket.write('x'.repeat(5_000_000) + head(message.length) + message, (error) => {
        expect(error).toBeFalsy();
        resolve();
      }),
    );
    socket.destroy();
    await ann.settled();
    expect(ann.frames.join('')).not.toContain('late');
  });

  it('broadcasts a message', async () => {
    const [ann, bob] = await Promise.all([connect(server.url), connect(server.url)]);
    const answer = await post({ type: 'news', receiver: '*', data: 1 });
    expect([answer.status, answer.body]).toEqual([200, '{"status":"accepted"}']);
    for (const client of [ann, bob]) expect(await client.next('news')).toMatchObject({ sender: 'server', data: 1 });
  });

  it('reports what is wrong with a message', async () => {
    expect(problem(await post({ type: 'x', receiver: 'nobody' }))).toBe('404 receiver_not_found');
    expect(problem(await post({ type: 'sys.welcome', receiver: '*' }))).toBe('400 reserved_type');
    expect(problem(await post({ type: 'x' }))).toBe('400 invalid_message');
    expect(problem(await post({ type: 'x', receiver: '*', sender: 'ann' }))).toBe('400 invalid_message');
    expect(problem(await post({ type: 'x', receiver: '*', more: 1 }))).toBe('400 invalid_message');
    expect(problem(await post('{'))).toBe('400 malformed_json');
    expect(problem(await post(JSON.stringify('x'.repeat(70_000))))).toBe('413 message_too_big');
    expect(problem(await post('x'.repeat(70_000), { 'Transfer-Encoding': 'chunked' }))).toBe('413 message_too_big');
    for (const headers of [
      { 'Content-Type': 'text/plain' },
      { 'Content-Type': 'application/json; charset=latin1' },
      { 'Content-Encoding': 'gzip' },
    ])
      expect(problem(await post('{}', headers))).toBe('415 unsupported_media_type');
  });

  it('reports an overloaded receiver', async () => {
    const slow = await StalledReader.open(server);
    let answer = await post({ type: 'x', receiver: slow.id });
    while (answer.status === 200) answer = await post({ type: 'x', receiver: slow.id, data: 'x'.repeat(60_000) });
    expect(problem(answer)).toBe('503 receiver_overloaded');
    const { bytesWaiting } = JSON.parse((await call('GET', `/sessions/${slow.id}`)).body) as { bytesWaiting: number };
    expect(bytesWaiting).toBe(slow.waitingBytes);
    slow.client.socket.destroy();
  });

  it('answers unavailable while the node drains', async () => {
    const drained = server.app.get(Drain).run();
    expect(problem(await post({ type: 'x', receiver: '*' }))).toBe('503 unavailable');
    await drained;
  });

  it('runs a request with an Idempotency-Key once', async () => {
    const ann = await connect(server.url);
    const message = { type: 'once', receiver: ann.id };
    const headers = { 'Idempotency-Key': 'k1' };
    expect((await post(message, headers)).headers['idempotency-replayed']).toBeUndefined();
    const again = await post(message, headers);
    expect([again.status, again.body, again.headers['idempotency-replayed']]).toEqual([
      200,
      '{"status":"routed"}',
      'true',
    ]);
    expect(problem(await post({ ...message, data: 1 }, headers))).toBe('422 idempotency_key_reused');
    expect(problem(await post(message, { 'Idempotency-Key': 'a b' }))).toBe('400 invalid_idempotency_key');
    await ann.settled();
    expect(ann.inbox.filter(({ type }) => type === 'once')).toHaveLength(1);
  });

  it('lists sessions in pages and describes each one', async () => {
    const clients = await Promise.all([connect(server.url), connect(server.url), connect(server.url)]);
    const ids = clients.map(({ id }) => id).toSorted();
    const first = JSON.parse((await call('GET', '/sessions?limit=2')).body);
    expect(first).toMatchObject({ sessions: [{ id: ids[0] }, { id: ids[1] }], total: 3, next: ids[1] });
    const second = JSON.parse((await call('GET', `/sessions?limit=2&after=${first.next}`)).body);
    expect(second.sessions).toEqual([JSON.parse((await call('GET', `/sessions/${ids[2]}`)).body)]);
    expect(second.sessions[0]).toMatchObject({
      address: '127.0.0.1',
      bytesIn: expect.any(Number),
      bytesOut: expect.any(Number),
      bytesWaiting: 0,
    });
    expect(Date.now() - Date.parse(second.sessions[0].since)).toBeLessThan(20_000);
    const ann = await connect(server.url, bearer(await token()));
    expect(JSON.parse((await call('GET', `/sessions/${ann.id}`)).body)).toMatchObject({ user: 'ann' });
    expect(problem(await call('GET', '/sessions?limit=0'))).toBe('400 invalid_query');
    expect(problem(await call('GET', '/sessions/nobody'))).toBe('404 session_not_found');
  });

  it.each([
    ['POST', '/messages?dry=1', 'dry'],
    ['GET', '/sessions?limt=2', 'limt'],
    ['GET', '/sessions?limit=2&limit=3', 'limit'],
    ['GET', '/sessions?after=a&after=b', 'after'],
    ['GET', '/sessions?limit[]=2', 'limit[]'],
    ['GET', '/sessions/nobody?limit=2', 'limit'],
    ['DELETE', '/sessions/nobody?force', 'force'],
    ['GET', '/stats?verbose=1', 'verbose'],
    ['GET', '/stats?__proto__=1', '__proto__'],
    ['GET', '/openapi.json?ui=1', 'ui'],
  ])('refuses a query parameter that it does not have, or that comes twice: %s %s', async (method, path, name) => {
    const body = method === 'POST' ? JSON.stringify({ type: 'x', receiver: '*' }) : undefined;
    const answer = await call(method, path, body === undefined ? {} : { body });
    expect(problem(answer)).toBe('400 invalid_query');
    expect((JSON.parse(answer.body) as { detail: string }).detail).toContain(name);
    expect(problem(await call('GET', '/stats?verbose=1', { key: 'wrong' }))).toBe('401 unauthorized');
  });

  it.each(['', '0', '-1', '1001', '1.5', '1e2', '0x10', ' 5', 'many'])(
    'refuses a limit that is not a whole number from 1 to 1000: "%s"',
    async (limit) => {
      expect(problem(await call('GET', `/sessions?limit=${encodeURIComponent(limit)}`))).toBe('400 invalid_query');
    },
  );

  it('closes a session', async () => {
    const [ann, bob] = await Promise.all([connect(server.url), connect(server.url)]);
    expect((await call('DELETE', `/sessions/${ann.id}`)).status).toBe(204);
    expect(await ann.closed).toEqual({ code: 4000, reason: 'kicked' });
    expect(await bob.next('sys.departed')).toMatchObject({ sender: ann.id, data: { code: 4000 } });
    expect(problem(await call('DELETE', `/sessions/${ann.id}`))).toBe('404 session_not_found');
  });

  it('reports the counters', async () => {
    await connect(server.url);
    expect(JSON.parse((await call('GET', '/stats')).body)).toMatchObject({
      phase: 'ready',
      sessions: 1,
      opened: 1,
      handlersRunning: 0,
      bufferedBytes: 0,
    });
  });

  it('answers unknown paths with 404 and other methods with 405', async () => {
    for (const path of ['/nothing', '', '/', '/sessions/a/b', '/sessions/%E0'])
      expect(problem(await call('GET', path))).toBe('404 not_found');
    for (const [method, path, allow] of [
      ['GET', '/messages', 'POST'],
      ['POST', '/sessions', 'GET, HEAD'],
      ['PUT', '/sessions/x', 'GET, HEAD, DELETE'],
    ] as const) {
      const answer = await call(method, path);
      expect([problem(answer), answer.headers.allow]).toEqual(['405 method_not_allowed', allow]);
    }
  });

  it('answers 429 to a key over its rate', async () => {
    await server.stop();
    server = await startServer({ API_KEYS: NEW, API_REQUESTS_PER_SECOND: '1' });
    await call('GET', '/stats');
    const answer = await call('GET', '/stats');
    expect([problem(answer), answer.headers['retry-after']]).toEqual(['429 rate_limited', '1']);
  });

  it('has an OpenAPI document of every path', async () => {
    const { status, body } = await ask(`http://127.0.0.1:${server.port}/api/v1/openapi.json`);
    const { openapi, paths } = JSON.parse(body) as { openapi: string; paths: Record<string, object> };
    expect([status, openapi.slice(0, 2)]).toEqual([200, '3.']);
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((each) => `${each} ${path}`),
    );
    expect(operations.toSorted()).toEqual([
      'delete /api/v1/rooms/{room}/sessions/{id}',
      'delete /api/v1/sessions/{id}',
      'delete /api/v1/users/{user}/sessions',
      'get /api/v1/rooms',
      'get /api/v1/rooms/{room}/sessions',
      'get /api/v1/sessions',
      'get /api/v1/sessions/{id}',
      'get /api/v1/stats',
      'get /api/v1/users/{user}/sessions',
      'post /api/v1/messages',
      'put /api/v1/rooms/{room}/sessions/{id}',
    ]);
  });
});
