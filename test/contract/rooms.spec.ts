import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { errorOf, gather, joined, joinRoom, leaveRoom, left, membersOf, settle, sortedIds } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';

describe.each(['on', 'off'])('rooms (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let ann: Client;
  let bob: Client;
  let eve: Client;

  beforeEach(async () => {
    server = await startServer({ FAST_LANE, ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' });
    [ann, bob, eve] = [await server.connect(), await server.connect(), await server.connect()];
  });
  afterEach(() => server.stop());

  const inboxes = async (): Promise<unknown[]> => {
    await settle(ann, bob, eve);
    return [ann, bob, eve].map(({ inbox }) => inbox.splice(0));
  };

  describe('a join', () => {
    it('is answered with the members, the new one included, in place of an ack', async () => {
      ann.send({ type: 'sys.join', receiver: '#garden', id: '1' });
      expect(await inboxes()).toEqual([
        [
          {
            type: 'sys.members',
            sender: 'server',
            receiver: ann.id,
            ref: '1',
            data: { room: 'garden', sessions: [ann.id], total: 1 },
          },
        ],
        [],
        [],
      ]);
    });

    it('is answered with all members in the order of their ids', async () => {
      await gather('garden', ann, bob);
      expect(await joinRoom(eve, 'garden')).toEqual({
        room: 'garden',
        sessions: sortedIds(ann, bob, eve),
        total: 3,
      });
    });

    it('is answered without a ref where it had no id', async () => {
      ann.send({ type: 'sys.join', receiver: '#garden' });
      const answer = await ann.next();
      expect(answer).toMatchObject({ type: 'sys.members', data: { sessions: [ann.id] } });
      expect(answer).not.toHaveProperty('ref');
    });

    it('notifies the other members once, and nobody else', async () => {
      await joinRoom(ann, 'garden');
      await joinRoom(bob, 'garden');
      expect(await inboxes()).toEqual([[joined(bob.id, 'garden')], [], []]);
    });

    it('of a member has the same answer and notifies nobody', async () => {
      await gather('garden', ann, bob);
      expect(await joinRoom(bob, 'garden')).toEqual({ room: 'garden', sessions: sortedIds(ann, bob), total: 2 });
      expect(await inboxes()).toEqual([[], [], []]);
      await leaveRoom(bob, 'garden');
      expect((await membersOf(ann, 'garden')).sessions).toEqual([ann.id]);
    });

    it('after a leave notifies the other members again', async () => {
      await gather('garden', ann, bob);
      await leaveRoom(bob, 'garden');
      await joinRoom(bob, 'garden');
      expect(await inboxes()).toEqual([[left(bob.id, 'garden'), joined(bob.id, 'garden')], [], []]);
    });

    it('written with escapes joins the same room', async () => {
      ann.sendText('{"type":"sys\\u002ejoin","receiver":"\\u0023gard\\u0065n","id":"1"}');
      expect(await ann.answer('1')).toMatchObject({ data: { room: 'garden' } });
      await settle(ann);
      expect((await joinRoom(bob, 'garden')).total).toBe(2);
    });
  });

  describe('a leave', () => {
    it('is acknowledged as left, and notifies the other members once', async () => {
      await gather('garden', ann, bob);
      bob.send({ type: 'sys.leave', receiver: '#garden', id: '2' });
      expect(await inboxes()).toEqual([
        [left(bob.id, 'garden')],
        [{ type: 'sys.ack', sender: 'server', receiver: bob.id, ref: '2', data: { status: 'left' } }],
        [],
      ]);
    });

    it('is not answered where it had no id', async () => {
      await gather('garden', ann, bob);
      bob.send({ type: 'sys.leave', receiver: '#garden' });
      expect(await inboxes()).toEqual([[left(bob.id, 'garden')], [], []]);
    });

    it('of no member is acknowledged as left, and notifies nobody', async () => {
      await gather('garden', ann);
      await leaveRoom(eve, 'garden');
      await leaveRoom(eve, 'attic');
      expect(await inboxes()).toEqual([[], [], []]);
      expect((await membersOf(ann, 'garden')).sessions).toEqual([ann.id]);
    });

    it('ends the membership of that room alone', async () => {
      for (const room of ['garden', 'attic']) await gather(room, ann, bob);
      await leaveRoom(bob, 'garden');
      expect((await membersOf(ann, 'attic')).total).toBe(2);
      ann.send({ type: 'chat', receiver: '#attic', data: 1 });
      ann.send({ type: 'chat', receiver: '#garden', data: 2 });
      await settle(ann, bob);
      expect(bob.inbox).toEqual([{ type: 'chat', sender: ann.id, receiver: '#attic', data: 1 }]);
    });

    it('of the last member ends the room', async () => {
      await joinRoom(ann, 'garden');
      await leaveRoom(ann, 'garden');
      expect(await joinRoom(bob, 'garden')).toEqual({ room: 'garden', sessions: [bob.id], total: 1 });
    });
  });

  describe('a message to a room', () => {
    it('reaches all other members once, and is acknowledged once as accepted', async () => {
      await gather('garden', ann, bob);
      const carol = await server.connect();
      await gather('garden', carol);
      await inboxes();
      ann.send({ type: 'chat', receiver: '#garden', data: { text: 'hello' }, id: '1' });
      const chat = { type: 'chat', sender: ann.id, receiver: '#garden', data: { text: 'hello' }, id: '1' };
      const ack = { type: 'sys.ack', sender: 'server', receiver: ann.id, ref: '1', data: { status: 'accepted' } };
      expect(await inboxes()).toEqual([[ack], [chat], []]);
      await carol.settled();
      expect(carol.inbox).toEqual([chat]);
    });

    it('is not acknowledged without an id', async () => {
      await gather('garden', ann, bob);
      ann.send({ type: 'chat', receiver: '#garden' });
      expect(await inboxes()).toEqual([[], [{ type: 'chat', sender: ann.id, receiver: '#garden' }], []]);
    });

    it('is accepted where there is no other member', async () => {
      await gather('garden', ann);
      ann.send({ type: 'chat', receiver: '#garden', id: '1' });
      expect(await inboxes()).toMatchObject([[{ type: 'sys.ack', ref: '1', data: { status: 'accepted' } }], [], []]);
    });

    it('carries the data unchanged: numbers, key order and Unicode', async () => {
      await gather('garden', ann, bob);
      const rest =
        '"type":"chat","receiver":"#garden","data":{"b":1.0,"2":[1e3,12345678901234567890],"1":"ü漢💩\\u0041"}';
      ann.sendText(`{${rest}}`);
      await bob.next('chat');
      expect(bob.frames.at(-1)).toBe(`{"sender":"${ann.id}",${rest}}`);
    });

    it('carries a large message', async () => {
      await gather('garden', ann, bob);
      ann.send({ type: 'chat', receiver: '#garden', data: 'ä'.repeat(30_000), id: '1' });
      expect((await bob.next('chat')).data).toBe('ä'.repeat(30_000));
      expect((await ann.answer('1')).data).toEqual({ status: 'accepted' });
    });

    it.each(['server', '*', '#garden', 'someone'])('has the sender of the server, not %s', async (sender) => {
      await gather('garden', ann, bob);
      ann.send({ type: 'chat', sender, receiver: '#garden', id: '1' });
      ann.sendText(`{"sender":"a","type":"chat","sender":"b","receiver":"#garden","id":"2"}`);
      expect((await bob.next('chat')).sender).toBe(ann.id);
      expect((await bob.next('chat')).sender).toBe(ann.id);
      expect((await ann.answer('2')).data).toEqual({ status: 'accepted' });
    });

    it('written with escapes reaches the members', async () => {
      await gather('garden', ann, bob);
      ann.sendText('{"type":"chat","receiver":"\\u0023gard\\u0065n","id":"1"}');
      expect(await bob.next('chat')).toMatchObject({ sender: ann.id });
      expect((await ann.answer('1')).data).toEqual({ status: 'accepted' });
    });

    it('of no member is not_joined, and reaches nobody', async () => {
      await gather('garden', ann, bob);
      for (const receiver of ['#garden', '#nowhere', '#Garden', '#garde', '#garden2'])
        expect((await errorOf(eve, 'chat', receiver)).code).toBe('not_joined');
      await joinRoom(eve, 'attic');
      eve.send({ type: 'chat', receiver: '#garden' });
      const [, , errors] = (await inboxes()) as unknown[][];
      expect(errors).toMatchObject([{ type: 'sys.error', data: { code: 'not_joined' } }]);
      expect(errors![0]).not.toHaveProperty('ref');
    });

    it('of a session that has left is not_joined', async () => {
      await gather('garden', ann, bob);
      await leaveRoom(bob, 'garden');
      expect((await errorOf(bob, 'chat', '#garden')).code).toBe('not_joined');
    });

    it('does not reach a session that has left', async () => {
      await gather('garden', ann, bob, eve);
      await leaveRoom(bob, 'garden');
      ann.send({ type: 'chat', receiver: '#garden' });
      expect(await inboxes()).toEqual([
        [left(bob.id, 'garden')],
        [],
        [left(bob.id, 'garden'), { type: 'chat', sender: ann.id, receiver: '#garden' }],
      ]);
    });

    it('is a message of the room that its name spells, capitals included', async () => {
      const names = [
        'a',
        'A',
        'a.b',
        'a:b',
        '-',
        '_',
        '__proto__',
        'constructor',
        '0',
        'x'.repeat(127),
        'x'.repeat(126),
      ];
      for (const name of names) await joinRoom(ann, name);
      await settle(ann);
      for (const name of names) {
        await joinRoom(bob, name);
        bob.send({ type: 'chat', receiver: `#${name}`, data: name });
        await leaveRoom(bob, name);
      }
      await settle(ann, bob);
      expect(ann.inbox).toEqual(
        names.flatMap((name) => [
          joined(bob.id, name),
          { type: 'chat', sender: bob.id, receiver: `#${name}`, data: name },
          left(bob.id, name),
        ]),
      );
    });
  });

  it('have messages of their own, each once to each member', async () => {
    const clients = [ann, bob, eve, ...(await Promise.all(Array.from({ length: 7 }, () => server.connect())))];
    for (let room = 0; room < 5; room++) await gather(`r${room}`, ...clients.filter((_, index) => index % 5 >= room));
    const count = 40;
    for (let number = 0; number < count; number++)
      for (const [index, client] of clients.entries())
        client.send({ type: 'n', receiver: `#r${number % ((index % 5) + 1)}`, data: [index, number] });
    await settle(...clients);
    for (const [own, { inbox }] of clients.entries()) {
      const expected = clients.flatMap((_, index) =>
        Array.from({ length: count }, (_each, number) => [index, number] as const).filter(
          ([from, number]) => from !== own && own % 5 >= number % ((from % 5) + 1),
        ),
      );
      const received = inbox.map(({ data }) => data as [number, number]);
      const bySender = received.toSorted(([one], [other]) => one - other); // keeps the order of each sender
      expect(bySender).toEqual(expected);
    }
  });
});

describe('limits of joins', () => {
  let server: TestServer;
  let members: readonly Client[];
  let eve: Client;
  afterEach(() => server.stop());

  async function start(variables: Record<string, string>): Promise<void> {
    server = await startServer({ ARRIVAL_NOTICES: 'off', BROADCAST_RECEIVERS_PER_SECOND: '1', ...variables });
    members = await Promise.all(Array.from({ length: 4 }, () => server.connect()));
    eve = await server.connect();
    await gather('garden', ...members);
  }

  it('are those of broadcasts: each is charged with its notices and those of its leave, and a leave is never refused', async () => {
    await start({});
    const [ann, bob] = members as [Client, Client];
    await joinRoom(eve, 'garden');
    await leaveRoom(eve, 'garden');
    expect(await errorOf(eve, 'sys.join', '#garden')).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: expect.any(Number) as number,
    });
    await leaveRoom(eve, 'garden');
    expect((await joinRoom(bob, 'garden')).total).toBe(members.length); // a member already, so that nobody is notified
    await leaveRoom(bob, 'garden');
    expect((await errorOf(bob, 'sys.join', '#garden')).code).toBe('rate_limited');
    await settle(...members, eve);
    expect(ann.inbox).toEqual([joined(eve.id, 'garden'), left(eve.id, 'garden'), left(bob.id, 'garden')]);
    expect(eve.inbox).toEqual([]);
  });

  it('do not include a join that is refused', async () => {
    await start({ MAX_ROOMS_PER_SESSION: '1' });
    await joinRoom(eve, 'lake');
    for (let time = 0; time < 3; time++)
      expect((await errorOf(eve, 'sys.join', '#garden')).code).toBe('too_many_rooms');
    await leaveRoom(eve, 'lake');
    expect((await joinRoom(eve, 'garden')).total).toBe(members.length + 1);
  });

  it('include one notice where the number of members is sent instead', async () => {
    await start({ ROOM_NOTICE_LIMIT: '4', BROADCAST_RECEIVERS_PER_SECOND: '7' });
    for (let time = 0; time < 5; time++) {
      expect((await joinRoom(eve, 'garden')).total).toBe(members.length + 1);
      await leaveRoom(eve, 'garden');
    }
  });
});

describe('limits of room messages', () => {
  let server: TestServer;
  afterEach(() => server.stop());

  it('are those of broadcasts, counted by receivers', async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off', BROADCAST_RECEIVERS_PER_SECOND: '1' });
    const clients = await Promise.all(Array.from({ length: 5 }, () => server.connect()));
    await gather('garden', ...clients);
    const [ann, bob] = clients as [Client, Client];
    for (const id of ['1', '2']) ann.send({ type: 'chat', receiver: '#garden', id });
    expect((await ann.answer('1')).data).toEqual({ status: 'accepted' });
    expect((await ann.answer('2')).data).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: expect.any(Number) as number,
    });
    await settle(ann, bob);
    expect(bob.inbox).toHaveLength(1);
  });

  it('do not include BROADCASTS=off, and include DIRECT_MESSAGES=off', async () => {
    server = await startServer({ BROADCASTS: 'off' });
    let ann = await server.connect();
    await joinRoom(ann, 'garden');
    ann.send({ type: 'chat', receiver: '#garden', id: '1' });
    expect((await ann.answer('1')).data).toEqual({ status: 'accepted' });
    await server.stop();
    server = await startServer({ DIRECT_MESSAGES: 'off' });
    ann = await server.connect();
    await joinRoom(ann, 'garden');
    expect((await errorOf(ann, 'chat', '#garden')).code).toBe('forbidden');
  });
});
