import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { errorOf, gather, joined, joinRoom, leaveRoom, membersOf, settle, sortedIds } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';

const REQUESTS = ['sys.join', 'sys.leave', 'sys.who'];
const TOO_LONG = `#${'x'.repeat(128)}`;

describe.each(['on', 'off'])('requests about rooms (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let ann: Client;
  let bob: Client;

  beforeAll(async () => {
    server = await startServer({ FAST_LANE, ARRIVAL_NOTICES: 'off' });
    [ann, bob] = [await server.connect(), await server.connect()];
  });
  afterAll(() => server.stop());

  it.each([...REQUESTS, 'chat'])(
    '%s with a receiver that is no room is invalid_message, naming receiver',
    async (type) => {
      for (const receiver of ['#', '##', '#a b', '#a/b', '#gärten', '#a#', '#*', '# a', '#a\n', '#漢', TOO_LONG]) {
        const error = await errorOf(ann, type, receiver);
        expect(error).toMatchObject({ code: 'invalid_message' });
        expect(error.message).toContain('receiver');
      }
    },
  );

  it.each(['sys.join', 'sys.leave'])('%s without a room is invalid_message, naming receiver', async (type) => {
    for (const receiver of [undefined, '*', '@ann', 'garden', ann.id]) {
      ann.send({ type, receiver, id: 'none' });
      const { data } = await ann.answer('none');
      expect(data).toMatchObject({ code: 'invalid_message' });
      expect(data.message).toContain('receiver');
    }
  });

  it.each(['sys.members', 'sys.joined', 'sys.left', 'sys.room', 'sys.presence', 'sys.gap'])(
    'do not include %s, which is reserved_type',
    async (type) => {
      await gather('garden', ann, bob);
      for (const receiver of ['#garden', '@ann', '*', bob.id])
        expect(await errorOf(ann, type, receiver, {})).toMatchObject({ code: 'reserved_type' });
      await settle(ann, bob);
      expect(bob.inbox).toEqual([]);
    },
  );

  it('are answered in order with other messages', async () => {
    await gather('garden', ann);
    for (let index = 0; index < 20; index++) {
      ann.send({ type: 'sys.join', receiver: `#r${index}`, id: `j${index}` });
      ann.send({ type: 'chat', receiver: `#r${index}`, id: `c${index}` });
      ann.send({ type: 'sys.who', receiver: `#r${index}`, id: `w${index}` });
      ann.send({ type: 'chat', receiver: ann.id, id: `d${index}` });
      ann.send({ type: 'sys.leave', receiver: `#r${index}`, id: `l${index}` });
      ann.send({ type: 'chat', receiver: `#r${index}`, id: `x${index}` });
    }
    await settle(ann);
    const answers = ann.inbox
      .splice(0)
      .flatMap(({ type, ref, data }) => (ref === undefined ? [] : [[type, ref, data]]));
    const room = (index: number): object => ({ room: `r${index}`, sessions: [ann.id], total: 1 });
    expect(answers).toEqual(
      Array.from({ length: 20 }, (_, index) => [
        ['sys.members', `j${index}`, room(index)],
        ['sys.ack', `c${index}`, { status: 'accepted' }],
        ['sys.members', `w${index}`, room(index)],
        ['sys.ack', `d${index}`, { status: 'routed' }],
        ['sys.ack', `l${index}`, { status: 'left' }],
        ['sys.error', `x${index}`, expect.objectContaining({ code: 'not_joined' })],
      ]).flat(),
    );
  });
});

describe('sys.who of a room', () => {
  let server: TestServer;
  let ann: Client;
  let eve: Client;
  let ids: string[];

  beforeAll(async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' });
    const members = await Promise.all(Array.from({ length: 120 }, () => server.connect()));
    ann = members[0]!;
    eve = await server.connect();
    for (const member of members) member.send({ type: 'sys.join', receiver: '#garden' });
    for (const member of members) await member.next('sys.members');
    await settle(ann);
    ids = sortedIds(...members);
  }, 120_000);
  afterAll(() => server.stop());

  it('is answered with the first hundred members in order, the total and the next page, in place of an ack', async () => {
    ann.inbox.splice(0);
    ann.send({ type: 'sys.who', receiver: '#garden', id: 'w' });
    await settle(ann);
    expect(ann.inbox.splice(0)).toEqual([
      {
        type: 'sys.members',
        sender: 'server',
        receiver: ann.id,
        ref: 'w',
        data: { room: 'garden', sessions: ids.slice(0, 100), total: 120, next: expect.any(String) as string },
      },
    ]);
  });

  it('is the first page where data is empty', async () => {
    expect(await membersOf(ann, 'garden', {})).toEqual(await membersOf(ann, 'garden'));
  });

  it('is answered without a ref where it had no id', async () => {
    ann.send({ type: 'sys.who', receiver: '#garden' });
    expect(await ann.next('sys.members')).not.toHaveProperty('ref');
  });

  it.each([1, 7, 40, 60, 119])('is paged by after and limit %i without gaps or repetitions', async (limit) => {
    const seen: string[] = [];
    for (let after: string | undefined; ;) {
      const { sessions, total, next } = await membersOf(ann, 'garden', {
        limit,
        ...(after !== undefined && { after }),
      });
      expect(total).toBe(120);
      expect(sessions.length).toBeLessThanOrEqual(limit);
      seen.push(...sessions);
      if (next === undefined) break;
      expect(sessions).toHaveLength(limit);
      after = next;
    }
    expect(seen).toEqual(ids);
  });

  it.each([120, 1000])('has no next on the last page (limit %i)', async (limit) => {
    expect(await membersOf(ann, 'garden', { limit })).toEqual({ room: 'garden', sessions: ids, total: 120 });
  });

  it('is an empty page after the last id', async () => {
    expect(await membersOf(ann, 'garden', { after: ids.at(-1) })).toEqual({ room: 'garden', sessions: [], total: 120 });
    expect((await membersOf(ann, 'garden', { after: '-', limit: 2 })).sessions).toEqual(ids.slice(0, 2));
  });

  it('is answered to a session that is no member, and for a room without members', async () => {
    expect((await membersOf(eve, 'garden', { limit: 1000 })).sessions).toEqual(ids);
    expect(await membersOf(eve, 'nowhere')).toEqual({ room: 'nowhere', sessions: [], total: 0 });
  });

  it('includes members that joined and left since the last page', async () => {
    await joinRoom(eve, 'garden');
    const page = await membersOf(ann, 'garden', { limit: 1000 });
    expect([page.total, page.sessions.includes(eve.id)]).toEqual([121, true]);
    await leaveRoom(eve, 'garden');
    expect(await membersOf(ann, 'garden', { limit: 1000 })).toEqual({ room: 'garden', sessions: ids, total: 120 });
    const dora = await server.connect();
    await joinRoom(dora, 'garden');
    await dora.close();
    await settle(ann);
    expect((await membersOf(ann, 'garden')).total).toBe(120);
    const { sessions } = await membersOf(ann, 'garden', { after: dora.id });
    expect(sessions).toEqual(ids.filter((id) => id > dora.id).slice(0, 100));
  });

  it('does not list the room among the sessions of sys.who without a receiver', async () => {
    ann.send({ type: 'sys.who', id: 'all', data: { limit: 1 } });
    expect(await ann.answer('all')).toMatchObject({ type: 'sys.sessions', data: { total: 121 } });
  });

  it.each([
    [{ limit: 0 }, 'limit'],
    [{ limit: 1001 }, 'limit'],
    [{ limit: 1.5 }, 'limit'],
    [{ limit: '5' }, 'limit'],
    [{ after: 5 }, 'after must be a string'],
    [{ after: 'x'.repeat(129) }, 'after must be at most 128'],
    [[], 'data'],
    ['all', 'data'],
    [{ limit: 5, page: 2 }, 'page'],
  ])('with %j is invalid_message that names the field', async (data, field) => {
    const error = await errorOf(ann, 'sys.who', '#garden', data);
    expect(error.code).toBe('invalid_message');
    expect(error.message).toContain(field);
  });
});

describe('MAX_ROOMS_PER_SESSION', () => {
  let server: TestServer;
  afterEach(() => server.stop());

  it('limits the rooms of a session, which may leave one and join another', async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off', MAX_ROOMS_PER_SESSION: '3' });
    const [ann, bob] = [await server.connect(), await server.connect()];
    await gather('r3', bob);
    for (const room of ['r0', 'r1', 'r2']) await joinRoom(ann, room);
    expect((await errorOf(ann, 'sys.join', '#r3')).code).toBe('too_many_rooms');
    expect((await joinRoom(ann, 'r1')).total).toBe(1);
    await settle(bob, ann);
    expect(bob.inbox).toEqual([]);
    expect((await membersOf(ann, 'r3')).sessions).toEqual([bob.id]);
    await leaveRoom(ann, 'r0');
    await joinRoom(ann, 'r3');
    expect(await bob.next()).toEqual(joined(ann.id, 'r3'));
    expect((await errorOf(ann, 'sys.join', '#r0')).code).toBe('too_many_rooms');
    for (const room of ['r1', 'r2', 'r3']) expect((await membersOf(bob, room)).sessions).toContain(ann.id);
  });

  it('is 100 by default, for each session', async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off' });
    for (const client of [await server.connect(), await server.connect()]) {
      for (let room = 0; room < 100; room++) client.send({ type: 'sys.join', receiver: `#r${room}` });
      expect((await errorOf(client, 'sys.join', '#one-more')).code).toBe('too_many_rooms');
      expect(client.inbox.filter(({ type }) => type === 'sys.members')).toHaveLength(100);
    }
  });
});
