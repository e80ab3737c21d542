import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rooms, SERVER, Switchboard, Users, type Session } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { StalledReader } from '../support/stalled-reader.js';
import { AUTH, bearer, token } from '../support/tokens.js';

describe('rooms for server code', () => {
  let server: TestServer;
  let switchboard: Switchboard;
  let rooms: Rooms;
  let ann: Client;
  let bob: Client;
  const sessionOf = ({ id }: Client): Session => switchboard.find(id)!;
  const clear = async (...clients: Client[]): Promise<void> => {
    for (const client of clients) await client.settled();
    for (const client of clients) client.inbox.length = 0;
  };

  beforeEach(async () => {
    server = await startServer({
      ...AUTH,
      AUTH: 'optional',
      ARRIVAL_NOTICES: 'off',
      NOTICE_SCOPE: 'none',
      MAX_ROOMS_PER_SESSION: '2',
      ROOMS: 'off',
    });
    switchboard = server.app.get(Switchboard, { strict: false });
    rooms = server.app.get(Rooms, { strict: false });
    [ann, bob] = [await server.connect(bearer(await token())), await server.connect()];
  });
  afterEach(() => server.stop());

  it('make a session a member at once, and send it the first page of members', async () => {
    const joining = rooms.join(sessionOf(ann), 'garden');
    expect(rooms.of(sessionOf(ann))).toEqual(['garden']);
    await joining;
    expect(await ann.next()).toEqual({
      type: 'sys.members',
      sender: 'server',
      receiver: ann.id,
      data: { room: 'garden', sessions: [ann.id], total: 1 },
    });
    await rooms.join(bob.id, 'garden');
    expect(await ann.next()).toEqual({ type: 'sys.joined', sender: bob.id, receiver: '#garden', data: {} });
    expect((await bob.next()).data).toEqual({ room: 'garden', sessions: [ann.id, bob.id].toSorted(), total: 2 });
  });

  it('end a membership, and notify the session and the members', async () => {
    for (const client of [ann, bob]) await rooms.join(client.id, 'garden');
    await clear(ann, bob);
    const leaving = rooms.leave(sessionOf(ann), 'garden');
    expect(rooms.of(sessionOf(ann))).toEqual([]);
    await leaving;
    for (const client of [ann, bob])
      expect(await client.next()).toEqual({ type: 'sys.left', sender: ann.id, receiver: '#garden', data: {} });
  });

  it('change nothing where the session is a member already, or is no member', async () => {
    for (const client of [ann, bob]) await rooms.join(client.id, 'garden');
    await clear(ann, bob);
    await rooms.join(sessionOf(ann), 'garden');
    await rooms.leave(sessionOf(ann), 'other');
    await clear(bob);
    expect(rooms.of(sessionOf(ann))).toEqual(['garden']);
    await bob.settled();
    expect(bob.inbox).toEqual([]);
  });

  it('list members, sizes and rooms in pages', async () => {
    await rooms.join(sessionOf(ann), 'b');
    await rooms.join(sessionOf(bob), 'b');
    await rooms.join(sessionOf(bob), 'a');
    const ids = [ann.id, bob.id].toSorted();
    expect(rooms.members('b')).toEqual({ sessions: ids, total: 2 });
    expect(rooms.members('b', { limit: 1 })).toEqual({ sessions: [ids[0]], total: 2, next: ids[0] });
    expect(rooms.members('b', { after: ids[0] })).toEqual({ sessions: [ids[1]], total: 2 });
    expect(rooms.members('none')).toEqual({ sessions: [], total: 0 });
    expect(['a', 'b', 'none'].map((room) => rooms.size(room))).toEqual([1, 2, 0]);
    expect(rooms.list({ limit: 1 })).toEqual({ rooms: [{ room: 'a', total: 1 }], total: 2, next: 'a' });
    expect(rooms.list({ after: 'a' })).toEqual({ rooms: [{ room: 'b', total: 2 }], total: 2 });
    expect(rooms.of(sessionOf(bob)).toSorted()).toEqual(['a', 'b']);
  });

  it('throw for a session over its limit, and for one that has left', async () => {
    for (const room of ['a', 'b']) await rooms.join(sessionOf(ann), room);
    await expect(rooms.join(sessionOf(ann), 'c')).rejects.toMatchObject({ code: 'too_many_rooms' });
    const left = sessionOf(bob);
    await bob.close();
    await expect.poll(() => left.closed).toBe(true);
    for (const session of [left, left.id, 'nobody', `AAAAAAAA.${'A'.repeat(16)}`]) {
      await expect(rooms.join(session, 'a')).rejects.toMatchObject({ code: 'receiver_not_found' });
      await expect(rooms.leave(session, 'a')).rejects.toMatchObject({ code: 'receiver_not_found' });
    }
    expect(rooms.of(left)).toEqual([]);
    expect(rooms.size('a')).toBe(1);
  });

  it('throw for names and sessions that cannot be, and for a wrong limit', async () => {
    for (const room of ['', '#garden', 'a b', 'grün', 'x'.repeat(128), 5, undefined]) {
      await expect(rooms.join(sessionOf(ann), room as string)).rejects.toThrow('the name of a room is 1 to 127 of');
      await expect(rooms.leave(sessionOf(ann), room as string)).rejects.toThrow(TypeError);
      expect(() => rooms.members(room as string)).toThrow(TypeError);
      expect(() => rooms.size(room as string)).toThrow(TypeError);
    }
    for (const session of [undefined, 5, {}]) {
      await expect(rooms.join(session as never, 'garden')).rejects.toThrow('a Session or the id of one, and not');
      expect(() => rooms.of(session as never)).toThrow('a Session of this node, and not');
    }
    expect(() => rooms.members('garden', { limit: 0 })).toThrow(RangeError);
    expect(() => rooms.list({ limit: 1001 })).toThrow('limit must be a whole number from 1 to 1000');
    await ann.settled();
    expect(ann.inbox).toEqual([]);
  });

  it('get messages of the server, and of sessions that are no members', async () => {
    for (const client of [ann, bob]) await rooms.join(client.id, 'garden');
    await clear(ann, bob);
    const eve = await server.connect();
    switchboard.send(SERVER, '#garden', 'news', 1);
    switchboard.send(sessionOf(ann), '#garden', 'news', 2);
    expect(await switchboard.deliver(sessionOf(eve), '#garden', 'news', 3)).toEqual({ delivered: 2, skipped: 0 });
    expect(await switchboard.deliver(SERVER, '#empty', 'news')).toEqual({ delivered: 0, skipped: 0 });
    const news = (client: Client): unknown[] => client.inbox.splice(0).map(({ sender, data }) => [sender, data]);
    for (const client of [ann, bob, eve]) await client.settled();
    expect(news(ann)).toEqual([
      ['server', 1],
      [eve.id, 3],
    ]);
    expect(news(bob)).toEqual([
      ['server', 1],
      [ann.id, 2],
      [eve.id, 3],
    ]);
    expect(news(eve)).toEqual([]);
  });

  it('skip a member that reads too slowly', async () => {
    const slow = await StalledReader.open(server);
    for (const { id } of [slow, bob]) await rooms.join(id, 'garden');
    while (!slow.session.outbox.overloaded) switchboard.send(SERVER, slow.id, 'fill', 'x'.repeat(65_536));
    expect(await switchboard.deliver(SERVER, '#garden', 'news')).toEqual({ delivered: 1, skipped: 1 });
    await bob.next('news');
    slow.client.socket.destroy();
  });

  it('are no receivers of a multicast, and neither are users', () => {
    for (const receiver of ['#garden', '@ann'])
      expect(() => switchboard.multicast(SERVER, [bob.id, receiver], 'news')).toThrow(
        `multicast sends to single sessions; use send to send to "${receiver}"`,
      );
  });

  it('refuse a message to a receiver that cannot be', async () => {
    for (const receiver of ['#', '#a b', '@']) {
      expect(() => switchboard.send(SERVER, receiver, 'news')).toThrow('receiver');
      await expect(switchboard.deliver(SERVER, receiver, 'news')).rejects.toMatchObject({ code: 'invalid_message' });
    }
  });

  it('get nothing in the name of a session that has left', async () => {
    await rooms.join(ann.id, 'garden');
    await clear(ann);
    const left = sessionOf(bob);
    await bob.close();
    await expect.poll(() => left.closed).toBe(true);
    switchboard.send(left, '#garden', 'news');
    expect(await switchboard.deliver(left, '@ann', 'news')).toEqual({ delivered: 0, skipped: 0 });
    await ann.settled();
    expect(ann.inbox).toEqual([]);
  });
});

describe('users for server code', () => {
  let server: TestServer;
  let switchboard: Switchboard;
  let ann: Client;
  let second: Client;
  let bob: Client;

  beforeEach(async () => {
    server = await startServer({ ...AUTH, ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', USERS: 'off' });
    switchboard = server.app.get(Switchboard, { strict: false });
    ann = await server.connect(bearer(await token()));
    second = await server.connect(bearer(await token()));
    bob = await server.connect(bearer(await token({ sub: 'bob' })));
  });
  afterEach(() => server.stop());

  it('get messages on each of their sessions but the sender', async () => {
    expect(await switchboard.deliver(SERVER, '@ann', 'news', 1)).toEqual({ delivered: 2, skipped: 0 });
    expect(await switchboard.deliver(switchboard.find(ann.id)!, '@ann', 'news', 2)).toEqual({
      delivered: 1,
      skipped: 0,
    });
    switchboard.send(switchboard.find(bob.id)!, '@ann', 'news', 3);
    for (const client of [ann, second, bob]) await client.settled();
    const news = (client: Client): unknown[] => client.inbox.map(({ receiver, data }) => [receiver, data]);
    expect(news(ann)).toEqual([1, 3].map((data) => ['@ann', data]));
    expect(news(second)).toEqual([1, 2, 3].map((data) => ['@ann', data]));
    expect(news(bob)).toEqual([]);
  });

  it('are not found where they have no other session', async () => {
    expect(() => switchboard.send(SERVER, '@eve', 'news')).toThrow(
      expect.objectContaining({ code: 'receiver_not_found' }) as Error,
    );
    await expect(switchboard.deliver(switchboard.find(bob.id)!, '@bob', 'news')).rejects.toMatchObject({
      code: 'receiver_not_found',
    });
  });

  it('are listed with their sessions', async () => {
    const users = server.app.get(Users, { strict: false });
    const ids = [ann.id, second.id].toSorted();
    expect(['ann', 'bob', 'eve'].map((user) => users.count(user))).toEqual([2, 1, 0]);
    expect(users.sessions('ann')).toEqual({ sessions: ids, total: 2 });
    expect(users.sessions('ann', { limit: 1 })).toEqual({ sessions: [ids[0]], total: 2, next: ids[0] });
    expect(users.sessions('eve')).toEqual({ sessions: [], total: 0 });
    expect(() => users.sessions('ann', { limit: 0 })).toThrow(RangeError);
    expect(() => users.count(5 as never)).toThrow('a user is a text, and not a number');
    await second.close();
    await expect.poll(() => users.count('ann')).toBe(1);
  });

  it('lose all their sessions by closeUser', async () => {
    expect(await switchboard.closeUser('ann', 4102)).toBe(2);
    for (const client of [ann, second]) expect((await client.closed).code).toBe(4102);
    expect(await switchboard.closeUser('ann')).toBe(0);
    await bob.settled();
    expect(await switchboard.closeUser('bob')).toBe(1);
    expect((await bob.closed).code).toBe(4000);
  });

  it('and sessions are found, listed and closed on this node as on any other', async () => {
    expect(await switchboard.findAnywhere(ann.id)).toMatchObject({ id: ann.id, user: 'ann', address: '127.0.0.1' });
    expect(await switchboard.findAnywhere('nobody')).toBeUndefined();
    const ids = [ann.id, second.id, bob.id].toSorted();
    const first = await switchboard.listAll({ limit: 2 });
    expect(first.sessions.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect([first.total, first.next]).toEqual([3, ids[1]]);
    const { sessions } = await switchboard.listAll({ after: ids[1] });
    expect(sessions.map(({ id }) => id)).toEqual([ids[2]]);
    expect(await switchboard.closeAnywhere(bob.id)).toBe(true);
    expect(await bob.closed).toEqual({ code: 4000, reason: 'kicked' });
    expect(await switchboard.closeAnywhere(bob.id)).toBe(false);
  });

  it('are closed with no code that a close frame cannot have', async () => {
    for (const code of [999, 1005, 5000, '4000']) {
      await expect(switchboard.closeAnywhere(ann.id, code as never)).rejects.toThrow(RangeError);
      await expect(switchboard.closeUser('ann', code as never)).rejects.toThrow(RangeError);
    }
    for (const method of ['findAnywhere', 'closeAnywhere', 'closeUser'] as const)
      await expect(switchboard[method](5 as never)).rejects.toThrow(`${method} takes`);
    await expect(switchboard.listAll({ limit: 0 })).rejects.toThrow(RangeError);
    await ann.settled();
  });
});
