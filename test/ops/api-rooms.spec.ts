import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { API_KEY, callApi, problem, type CallOptions } from '../support/api.js';
import type { Answer } from '../support/ask.js';
import { ask } from '../support/ask.js';
import type { Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

interface Listed {
  readonly sessions: readonly { readonly id: string }[];
  readonly total: number;
  readonly next?: string;
}

describe('the HTTP API of rooms and users', () => {
  let server: TestServer;
  let ann: Client;
  let bob: Client;

  beforeEach(async () => {
    server = await startServer({
      ...AUTH,
      AUTH: 'optional',
      API_KEYS: API_KEY,
      ARRIVAL_NOTICES: 'off',
      NOTICE_SCOPE: 'none',
      MAX_ROOMS_PER_SESSION: '2',
    });
    [ann, bob] = [await server.connect(bearer(await token())), await server.connect()];
  });
  afterEach(() => server.stop());

  const call = (method: string, path: string, options?: CallOptions): Promise<Answer> =>
    callApi(server, method, path, options);
  const get = async <Body>(path: string): Promise<Body> => {
    const { status, body } = await call('GET', path);
    expect(status).toBe(200);
    return JSON.parse(body) as Body;
  };
  const put = (room: string, { id }: { id: string }): Promise<Answer> => call('PUT', `/rooms/${room}/sessions/${id}`);
  const post = (message: object): Promise<Answer> => call('POST', '/messages', { body: JSON.stringify(message) });
  const idsOf = ({ sessions }: Listed): string[] => sessions.map(({ id }) => id);

  it('sends a message to all members of a room, and to nobody else', async () => {
    const eve = await server.connect();
    for (const client of [ann, bob]) await put('garden', client);
    for (const client of [ann, bob]) client.inbox.length = 0;
    const answer = await post({ type: 'news', sender: 'server/desk', receiver: '#garden', data: 1 });
    expect([answer.status, answer.body]).toEqual([200, '{"status":"accepted"}']);
    for (const client of [ann, bob])
      expect(await client.next('news')).toEqual({ type: 'news', sender: 'server/desk', receiver: '#garden', data: 1 });
    await eve.settled();
    expect(eve.inbox).toEqual([]);
  });

  it('sends a message to each session of a user, and answers how many there are', async () => {
    const second = await server.connect(bearer(await token()));
    const answer = await post({ type: 'news', receiver: '@ann', data: 1 });
    expect([answer.status, answer.body]).toEqual([200, '{"status":"routed","sessions":2}']);
    for (const client of [ann, second])
      expect(await client.next()).toEqual({ type: 'news', sender: 'server', receiver: '@ann', data: 1 });
    await bob.settled();
    expect(bob.inbox).toEqual([]);
  });

  it('answers a message that nobody gets, and receivers that cannot be', async () => {
    expect((await post({ type: 'news', receiver: '#nobody' })).body).toBe('{"status":"accepted"}');
    expect(problem(await post({ type: 'news', receiver: '@nobody' }))).toBe('404 receiver_not_found');
    for (const receiver of ['#', '#a b', '#grün', `#${'x'.repeat(128)}`, '@'])
      expect(problem(await post({ type: 'news', receiver }))).toBe('400 invalid_message');
  });

  it('runs a message to a room with an Idempotency-Key once', async () => {
    await put('garden', ann);
    const body = JSON.stringify({ type: 'news', receiver: '#garden' });
    for (const replayed of [undefined, 'true']) {
      const answer = await call('POST', '/messages', { body, headers: { 'Idempotency-Key': 'k1' } });
      expect([answer.body, answer.headers['idempotency-replayed']]).toEqual(['{"status":"accepted"}', replayed]);
    }
    await ann.settled();
    expect(ann.inbox.filter(({ type }) => type === 'news')).toHaveLength(1);
  });

  it('puts a session into a room, which notifies the session and the members', async () => {
    expect(await put('garden', ann)).toMatchObject({ status: 204, body: '' });
    expect(await ann.next()).toEqual({
      type: 'sys.members',
      sender: 'server',
      receiver: ann.id,
      data: { room: 'garden', sessions: [ann.id], total: 1 },
    });
    expect((await put('garden', bob)).status).toBe(204);
    expect(await ann.next()).toEqual({ type: 'sys.joined', sender: bob.id, receiver: '#garden', data: {} });
    bob.send({ type: 'chat', receiver: '#garden', data: 'hello' });
    expect(await ann.next('chat')).toMatchObject({ sender: bob.id, data: 'hello' });
  });

  it('takes a session out of a room, which notifies the session and the members', async () => {
    for (const client of [ann, bob]) await put('garden', client);
    for (const client of [ann, bob]) await client.settled();
    for (const client of [ann, bob]) client.inbox.length = 0;
    expect(await call('DELETE', `/rooms/garden/sessions/${bob.id}`)).toMatchObject({ status: 204, body: '' });
    const left = { type: 'sys.left', sender: bob.id, receiver: '#garden', data: {} };
    for (const client of [ann, bob]) expect(await client.next()).toEqual(left);
    bob.send({ type: 'chat', receiver: '#garden', id: '1' });
    expect(await bob.answer('1')).toMatchObject({ data: { code: 'not_joined' } });
  });

  it('changes nothing where the session is a member already, or is no member', async () => {
    await put('garden', ann);
    await put('garden', bob);
    await ann.settled();
    ann.inbox.length = 0;
    expect((await put('garden', bob)).status).toBe(204);
    for (const room of ['garden', 'empty'])
      for (let round = 0; round < 2; round++)
        expect((await call('DELETE', `/rooms/${room}/sessions/${bob.id}`)).status).toBe(204);
    await ann.settled();
    expect(ann.inbox.map(({ type }) => type)).toEqual(['sys.left']);
  });

  it('answers 409 over MAX_ROOMS_PER_SESSION', async () => {
    for (const room of ['a', 'b']) expect((await put(room, ann)).status).toBe(204);
    expect(problem(await put('c', ann))).toBe('409 too_many_rooms');
    expect((await put('a', ann)).status).toBe(204);
    await call('DELETE', `/rooms/a/sessions/${ann.id}`);
    expect((await put('c', ann)).status).toBe(204);
  });

  it('lists rooms in pages with their numbers of members', async () => {
    expect(await get('/rooms')).toEqual({ rooms: [], total: 0 });
    for (const [room, client] of [
      ['b', ann],
      ['b', bob],
      ['c', bob],
      ['a', ann],
    ] as const)
      await put(room, client);
    const [a, b, c] = [
      { room: 'a', total: 1 },
      { room: 'b', total: 2 },
      { room: 'c', total: 1 },
    ];
    expect(await get('/rooms')).toEqual({ rooms: [a, b, c], total: 3 });
    expect(await get('/rooms?limit=2')).toEqual({ rooms: [a, b], total: 3, next: 'b' });
    expect(await get('/rooms?limit=2&after=b')).toEqual({ rooms: [c], total: 3 });
    await ann.close();
    await expect.poll(() => get('/rooms')).toEqual({ rooms: [{ room: 'b', total: 1 }, c], total: 2 });
  });

  it('lists the members of a room as it lists sessions', async () => {
    for (const client of [ann, bob]) await put('garden', client);
    const ids = [ann.id, bob.id].toSorted();
    const first = await get<Listed>('/rooms/garden/sessions?limit=1');
    expect([idsOf(first), first.total, first.next]).toEqual([[ids[0]], 2, ids[0]]);
    const second = await get<Listed>(`/rooms/garden/sessions?limit=1&after=${first.next}`);
    expect([idsOf(second), second.total, second.next]).toEqual([[ids[1]], 2, undefined]);
    const { sessions } = await get<Listed>('/rooms/garden/sessions');
    expect(sessions.find(({ id }) => id === ann.id)).toMatchObject({ user: 'ann', address: '127.0.0.1' });
    expect(await get('/rooms/empty/sessions')).toEqual({ sessions: [], total: 0 });
  });

  it('lists the sessions of a user', async () => {
    const second = await server.connect(bearer(await token()));
    const listed = await get<Listed>('/users/ann/sessions');
    expect([idsOf(listed), listed.total]).toEqual([[ann.id, second.id].toSorted(), 2]);
    expect(listed.sessions[0]).toMatchObject({ user: 'ann', bytesWaiting: 0 });
    const first = await get<Listed>('/users/ann/sessions?limit=1');
    expect(idsOf(await get<Listed>(`/users/ann/sessions?after=${first.next}`))).toEqual([idsOf(listed)[1]]);
    expect(await get('/users/nobody/sessions')).toEqual({ sessions: [], total: 0 });
  });

  it('closes all sessions of a user, and no other', async () => {
    const second = await server.connect(bearer(await token()));
    const answer = await call('DELETE', '/users/ann/sessions');
    expect([answer.status, answer.body]).toEqual([200, '{"closed":2}']);
    for (const client of [ann, second]) expect(await client.closed).toEqual({ code: 4000, reason: 'kicked' });
    expect((await call('DELETE', '/users/ann/sessions')).body).toBe('{"closed":0}');
    await bob.settled();
  });

  it.each(['a/b', 'ä b', '100%', '@ann', '42', '"', '__proto__'])(
    'takes a user in percent encoding: %s',
    async (sub) => {
      const { id } = await server.connect(bearer(await token({ sub })));
      const path = `/users/${encodeURIComponent(sub)}/sessions`;
      expect(idsOf(await get<Listed>(path))).toEqual([id]);
      expect((await call('DELETE', path)).body).toBe('{"closed":1}');
    },
  );

  it.each(['%20', 'a%20b', '%23garden', 'gr%C3%BCn', 'a%2Fb', 'x'.repeat(128)])(
    'refuses a name that no room has: %s',
    async (room) => {
      expect(problem(await call('GET', `/rooms/${room}/sessions`))).toBe('400 invalid_room');
      expect(problem(await put(room, ann))).toBe('400 invalid_room');
      expect(problem(await call('DELETE', `/rooms/${room}/sessions/${ann.id}`))).toBe('400 invalid_room');
    },
  );

  it('answers 404 where no session has the id', async () => {
    for (const id of ['nobody', `${ann.id}x`, `AAAAAAAA.${'A'.repeat(16)}`])
      for (const method of ['PUT', 'DELETE'])
        expect(problem(await call(method, `/rooms/garden/sessions/${id}`))).toBe('404 session_not_found');
  });

  it('answers unknown paths with 404 and other methods with 405', async () => {
    for (const path of ['/rooms/garden', '/users', '/users/ann', '/rooms/a/sessions/b/c', '/rooms/%E0/sessions'])
      expect(problem(await call('GET', path))).toBe('404 not_found');
    for (const [method, path, allow] of [
      ['POST', '/rooms', 'GET, HEAD'],
      ['DELETE', '/rooms/garden/sessions', 'GET, HEAD'],
      ['GET', `/rooms/garden/sessions/${ann.id}`, 'PUT, DELETE'],
      ['PUT', '/users/ann/sessions', 'GET, HEAD, DELETE'],
    ] as const) {
      const answer = await call(method, path);
      expect([problem(answer), answer.headers.allow]).toEqual(['405 method_not_allowed', allow]);
    }
  });

  it.each([
    ['GET', '/rooms?limt=2'],
    ['GET', '/rooms?limit=0'],
    ['GET', '/rooms?after=a&after=b'],
    ['GET', '/rooms/garden/sessions?limit=1001'],
    ['GET', '/users/ann/sessions?limit=1e2'],
    ['PUT', '/rooms/garden/sessions/nobody?force'],
    ['DELETE', '/rooms/garden/sessions/nobody?code=4000'],
    ['DELETE', '/users/ann/sessions?code=4000'],
  ])('refuses a query that it does not have: %s %s', async (method, path) => {
    expect(problem(await call(method, path))).toBe('400 invalid_query');
    expect(problem(await call(method, path, { key: 'wrong' }))).toBe('401 unauthorized');
    await ann.settled();
  });

  it('counts all its requests to one rate of the key', async () => {
    await server.stop();
    server = await startServer({ API_KEYS: API_KEY, API_REQUESTS_PER_SECOND: '1' });
    const paths = ['/stats', '/rooms', '/users/ann/sessions'];
    const statuses = (await Promise.all(paths.map((path) => call('GET', path)))).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 429, 429]);
  });

  it('has an OpenAPI document with the path parameters, the errors and examples', async () => {
    const { body } = await ask(`http://127.0.0.1:${server.port}/api/v1/openapi.json`);
    const { paths } = JSON.parse(body) as { paths: Record<string, Record<string, object>> };
    const { put: joining } = paths['/api/v1/rooms/{room}/sessions/{id}']!;
    expect(joining).toMatchObject({
      parameters: [
        { name: 'room', in: 'path', required: true, schema: { type: 'string', example: 'garden' } },
        { name: 'id', in: 'path', required: true, schema: { example: expect.stringContaining('.') as string } },
      ],
      responses: { 204: {}, default: { content: { 'application/problem+json': {} } } },
    });
    const { post: sending } = paths['/api/v1/messages']!;
    expect(sending).toMatchObject({
      requestBody: { content: { 'application/json': { examples: { user: {}, room: {}, session: {}, all: {} } } } },
    });
  });
});
