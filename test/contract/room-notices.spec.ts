import { afterEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { closeFrame, envelopeFrame } from '../support/client-frames.js';
import { Random } from '../support/random.js';
import { RawClient } from '../support/raw-client.js';
import {
  gather,
  joined,
  joinRoom,
  leaveRoom,
  left,
  membersOf,
  MemberView,
  settle,
  sortedIds,
} from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

let server: TestServer;
const start = async (variables: Record<string, string> = {}): Promise<void> => {
  server = await startServer({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', ...variables });
};
afterEach(() => server.stop());

const clients = (count: number): Promise<Client[]> =>
  Promise.all(Array.from({ length: count }, () => server.connect()));
const chat = (sender: string, data: number): object => ({ type: 'chat', sender, receiver: '#garden', data });

describe.each(['on', 'off'])('notices of a room (FAST_LANE=%s)', (FAST_LANE) => {
  it('come before the first message of a new member, and after its last', async () => {
    await start({ FAST_LANE });
    const [ann, bob] = (await clients(2)) as [Client, Client];
    await gather('garden', ann);
    for (let round = 0; round < 20; round++) {
      bob.send({ type: 'sys.join', receiver: '#garden' });
      for (const data of [1, 2, 3]) bob.send({ type: 'chat', receiver: '#garden', data });
      bob.send({ type: 'sys.leave', receiver: '#garden' });
    }
    await settle(ann, bob);
    const round = [joined(bob.id, 'garden'), ...[1, 2, 3].map((data) => chat(bob.id, data)), left(bob.id, 'garden')];
    expect(ann.inbox).toEqual(Array.from({ length: 20 }, () => round).flat());
  });

  it('come after all that a session sent before it joined, whatever the receiver', async () => {
    await start({ FAST_LANE });
    const [ann, bob] = (await clients(2)) as [Client, Client];
    await gather('garden', ann);
    for (let data = 0; data < 100; data += 5) {
      bob.send({ type: 'n', receiver: ann.id, data });
      bob.send({ type: 'sys.join', receiver: '#garden' });
      bob.send({ type: 'n', receiver: '*', data: data + 2 });
      bob.send({ type: 'sys.leave', receiver: '#garden' });
      bob.send({ type: 'n', receiver: ann.id, data: data + 4 });
    }
    await settle(ann, bob);
    const seen = ann.inbox.map(({ type, data }) => (type === 'n' ? (data as number) : type));
    const expected = Array.from({ length: 20 }, (_, index) => 5 * index).flatMap((data) => [
      data,
      'sys.joined',
      data + 2,
      'sys.left',
      data + 4,
    ]);
    expect(seen).toEqual(expected);
  });

  it.each<[string, (raw: RawClient) => void, number]>([
    ['closes with 4321', (raw) => raw.write(closeFrame(4321, 'bye')), 4321],
    ['closes with 1000', (raw) => raw.write(closeFrame(1000)), 1000],
    ['closes without a code', (raw) => raw.write(closeFrame()), 1005],
    ['sends an unmasked frame', (raw) => raw.write(Buffer.from([0x81, 0])), 1002],
  ])('have the code, after the last message and before sys.departed, where a session %s', async (_, end, code) => {
    await start({ FAST_LANE, NOTICE_SCOPE: 'all' });
    const [ann, bob] = (await clients(2)) as [Client, Client];
    for (const room of ['garden', 'attic']) await gather(room, ann);
    await gather('garden', bob);
    await settle(ann, bob);
    ann.inbox.splice(0);
    const raw = await RawClient.open(server.port);
    raw.write(
      ...['#garden', '#attic'].map((receiver) => envelopeFrame({ type: 'sys.join', receiver })),
      envelopeFrame({ type: 'chat', receiver: '#garden', data: 1 }),
    );
    end(raw);
    raw.write(envelopeFrame({ type: 'chat', receiver: '#garden', data: 2 }));
    const seen: object[] = [];
    while (seen.length < 6) seen.push(await ann.next());
    expect(seen.slice(0, 3)).toEqual([joined(raw.id, 'garden'), joined(raw.id, 'attic'), chat(raw.id, 1)]);
    expect(seen.slice(3)).toEqual([
      left(raw.id, 'garden', code),
      left(raw.id, 'attic', code),
      { type: 'sys.departed', sender: raw.id, receiver: '*', data: { code } },
    ]);
    expect(await bob.next('sys.left')).toEqual(left(raw.id, 'garden', code));
    await settle(ann, bob);
    expect(ann.inbox).toEqual([]);
    expect((await membersOf(ann, 'garden')).sessions).toEqual(sortedIds(ann, bob));
    expect((await membersOf(bob, 'attic')).sessions).toEqual([ann.id]);
    raw.socket.destroy();
  });

  it('have the code 1006 after a cut', async () => {
    await start({ FAST_LANE });
    const [ann, bob] = (await clients(2)) as [Client, Client];
    await gather('garden', ann, bob);
    bob.terminate();
    expect(await ann.next()).toEqual(left(bob.id, 'garden', 1006));
  });

  it('are sent once to each of many members, when half of them leave at the same time', async () => {
    await start({ FAST_LANE });
    const crowd = await clients(20);
    await gather('garden', ...crowd);
    const leaving = crowd.filter((_, index) => index % 2 === 0);
    await Promise.all(
      leaving.map((client, index) => (index % 2 === 0 ? client.close(4000 + index) : leaveRoom(client, 'garden'))),
    );
    const expected = leaving.map(({ id }, index) => left(id, 'garden', index % 2 === 0 ? 4000 + index : undefined));
    for (const client of crowd.filter((each) => !leaving.includes(each))) {
      const notices: object[] = [];
      while (notices.length < expected.length) notices.push(await client.next('sys.left'));
      expect(notices).toEqual(expect.arrayContaining(expected));
      await client.settled();
      expect(client.inbox).toEqual([]);
    }
  });
});

describe('notices of a room', () => {
  it('have the user where the operator shows users', async () => {
    await start({ ...AUTH, AUTH: 'optional', SHOW_USERS: 'on' });
    const ann = await server.connect(bearer(await token({ sub: 'ann' })));
    await gather('garden', ann);
    const zoe = await server.connect(bearer(await token({ sub: 'Zoë "漢"' })));
    await joinRoom(zoe, 'garden');
    expect(await ann.next()).toEqual({
      type: 'sys.joined',
      sender: zoe.id,
      receiver: '#garden',
      data: { user: 'Zoë "漢"' },
    });
    const guest = await server.connect();
    await joinRoom(guest, 'garden');
    expect(await ann.next()).toEqual(joined(guest.id, 'garden'));
    expect((await membersOf(ann, 'garden')).sessions).toEqual(
      [{ id: ann.id, user: 'ann' }, { id: zoe.id, user: 'Zoë "漢"' }, { id: guest.id }].toSorted((one, other) =>
        one.id < other.id ? -1 : 1,
      ),
    );
  });

  it('are the only notices of a departure with NOTICE_SCOPE=rooms, to members alone', async () => {
    await start({ NOTICE_SCOPE: 'rooms' });
    const [ann, bob, eve] = (await clients(3)) as [Client, Client, Client];
    expect(ann.welcome.data).toMatchObject({ notices: 'rooms' });
    await gather('garden', ann, bob);
    await gather('attic', eve);
    await bob.close(4321);
    expect(await ann.next()).toEqual(left(bob.id, 'garden', 4321));
    await settle(ann, eve);
    expect([ann.inbox, eve.inbox]).toEqual([[], []]);
  });

  it.each(['0', '40'])('agree with each list while sessions join and leave (NOTICE_WINDOW_MS=%s)', async (windowMs) => {
    await start({ NOTICE_WINDOW_MS: windowMs });
    const [crowd, observers] = [await clients(12), await clients(4)];
    const random = new Random(20_261_127);
    for (const [turn, observer] of observers.entries()) {
      observer.send({ type: 'sys.join', receiver: '#garden' });
      for (let count = 0; count < 150; count++) {
        const client = random.pick(crowd);
        client.send({ type: random.once(2) ? 'sys.join' : 'sys.leave', receiver: '#garden' });
        if (random.once(3)) client.send({ type: 'chat', receiver: '#garden' });
        if (random.once(10))
          random.pick(observers.slice(0, turn + 1)).send({ type: 'sys.who', receiver: '#garden', id: 'w' });
      }
      await settle(observer);
    }
    for (const client of crowd.splice(0, 4)) await client.close();
    await settle(...crowd, ...observers);
    const truth = (await membersOf(observers[0]!, 'garden')).sessions;
    for (const observer of observers) {
      const view = new MemberView('garden');
      for (const envelope of observer.inbox) view.apply(envelope);
      expect([...view.members].toSorted()).toEqual(truth);
      expect(observer.inbox.filter(({ type }) => type === 'sys.members').length).toBeGreaterThan(1);
    }
  });

  it('of many rooms come in the order of the joins of a session', async () => {
    await start();
    const [ann, bob] = (await clients(2)) as [Client, Client];
    const rooms = Array.from({ length: 30 }, (_, index) => `r${index}`);
    for (const room of rooms) await gather(room, ann);
    for (const room of rooms) bob.send({ type: 'sys.join', receiver: `#${room}` });
    await settle(bob, ann);
    expect(ann.inbox).toEqual(rooms.map((room) => joined(bob.id, room)));
  });

  it('are left out with the sessions that ended before a join', async () => {
    await start();
    const [ann, bob] = (await clients(2)) as [Client, Client];
    await gather('garden', bob);
    await bob.close();
    await settle(ann);
    expect(await joinRoom(ann, 'garden')).toEqual({ room: 'garden', sessions: [ann.id], total: 1 });
    await settle(ann);
    expect(ann.inbox).toEqual([]);
  });
});

describe('a room of more than ROOM_NOTICE_LIMIT members', () => {
  it('has notices of the number of members in place of those of each, at most once a second', async () => {
    await start({ ROOM_NOTICE_LIMIT: '3' });
    const [ann, ...others] = (await clients(3)) as [Client, ...Client[]];
    await gather('garden', ann, ...others);
    const begunMs = performance.now();
    const fourth = await server.connect();
    await joinRoom(fourth, 'garden');
    expect(await ann.next()).toEqual({
      type: 'sys.room',
      sender: 'server',
      receiver: '#garden',
      data: { room: 'garden', total: 4 },
    });
    const crowd = await clients(30);
    for (const client of crowd.slice(0, 20)) await joinRoom(client, 'garden');
    for (const client of crowd.slice(0, 5)) await leaveRoom(client, 'garden');
    await Promise.all(crowd.slice(5, 8).map((client) => client.close()));
    for (const client of crowd.slice(20)) await joinRoom(client, 'garden');
    const totals: number[] = [];
    while (totals.at(-1) !== 26) totals.push((await ann.next('sys.room')).data.total as number);
    // The notice of 4 was the first.
    expect(totals.length).toBeLessThanOrEqual((performance.now() - begunMs) / 1000 + 0.1);
    await settle(ann);
    expect(ann.inbox).toEqual([]);
    expect((await membersOf(ann, 'garden')).total).toBe(26);
  });

  it('has notices of each member again once it is small', async () => {
    await start({ ROOM_NOTICE_LIMIT: '2' });
    const [ann, bob, eve] = (await clients(3)) as [Client, Client, Client];
    await gather('garden', ann, bob, eve);
    await leaveRoom(eve, 'garden');
    await leaveRoom(bob, 'garden');
    let notice = await ann.next('sys.left');
    if (notice.sender === eve.id) notice = await ann.next('sys.left');
    expect(notice).toEqual(left(bob.id, 'garden'));
    await joinRoom(eve, 'garden');
    expect(await ann.next('sys.joined')).toEqual(joined(eve.id, 'garden'));
  });

  it('keeps its messages in order with each other', async () => {
    await start({ ROOM_NOTICE_LIMIT: '0' });
    const [ann, bob] = (await clients(2)) as [Client, Client];
    await gather('garden', ann, bob);
    for (let data = 0; data < 200; data++) bob.send({ type: 'chat', receiver: '#garden', data });
    await settle(ann, bob);
    expect(ann.inbox.filter(({ type }) => type === 'chat').map(({ data }) => data as number)).toEqual(
      Array.from({ length: 200 }, (_, data) => data),
    );
  });
});
