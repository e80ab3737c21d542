import { Injectable, Module } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MessagingGateway, Rooms, Switchboard, type OnRoomJoined, type OnRoomLeft } from '../../src/index.js';
import type { Session } from '../../src/sessions/session.js';
import { API_KEY, callApi, problem } from '../support/api.js';
import type { Answer } from '../support/ask.js';
import { connect, type Client } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { AUTH, bearer, token } from '../support/tokens.js';

@Injectable()
class Calls {
  readonly list: string[] = [];
}

@MessagingGateway()
class RecordingGateway implements OnRoomJoined, OnRoomLeft {
  constructor(private readonly calls: Calls) {}

  onRoomJoined({ id }: Session, room: string): void {
    this.calls.list.push(`${id} joined ${room}`);
  }

  onRoomLeft({ id }: Session, room: string): void {
    this.calls.list.push(`${id} left ${room}`);
  }
}

@Module({ providers: [Calls, RecordingGateway] })
class HooksModule {}

/** Sessions of the same user: one on the first node, one on the second. */
describe('server code of one node', () => {
  let cluster: Cluster;
  let switchboard: Switchboard;
  let rooms: Rooms;
  let user: string;
  let alice: Client;
  let bob: Client;
  let users = 0;

  beforeAll(async () => {
    cluster = await Cluster.start(
      2,
      {
        ...AUTH,
        API_KEYS: API_KEY,
        ARRIVAL_NOTICES: 'off',
        NOTICE_SCOPE: 'none',
        MAX_ROOMS_PER_SESSION: '2',
        ROOMS: 'off',
        USERS: 'off',
      },
      [HooksModule],
    );
    const { app } = cluster.nodes[0]!;
    switchboard = app.get(Switchboard, { strict: false });
    rooms = app.get(Rooms, { strict: false });
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    user = `user-${++users}`;
    const options = bearer(await token({ sub: user }));
    [alice, bob] = (await Promise.all([0, 1].map((node) => connect(cluster.url(node), options)))) as [Client, Client];
    await cluster.settled();
    for (const { app } of cluster.nodes) app.get(Calls, { strict: false }).list.length = 0;
  });

  const call = (method: string, path: string, body?: object): Promise<Answer> =>
    callApi(cluster.nodes[0]!, method, path, { body: body && JSON.stringify(body) });
  const callsOn = (node: number): readonly string[] => cluster.nodes[node]!.app.get(Calls, { strict: false }).list;

  it('puts a session of the other node into a room and takes it out', async () => {
    const room = `${user}.garden`;
    await rooms.join(alice.id, room);
    await alice.next('sys.members');
    await rooms.join(bob.id, room);
    await cluster.settled();
    const ids = [alice.id, bob.id].toSorted();
    expect((await bob.next()).data).toEqual({ room, sessions: ids, total: 2 });
    expect(await alice.next()).toEqual({ type: 'sys.joined', sender: bob.id, receiver: `#${room}`, data: {} });
    expect(rooms.members(room)).toEqual({ sessions: ids, total: 2 });
    await rooms.leave(bob.id, room);
    await cluster.settled();
    for (const client of [alice, bob])
      expect(await client.next()).toEqual({ type: 'sys.left', sender: bob.id, receiver: `#${room}`, data: {} });
    expect(rooms.members(room)).toEqual({ sessions: [alice.id], total: 1 });
    expect(callsOn(0)).toEqual([`${alice.id} joined ${room}`]);
    expect(callsOn(1)).toEqual([`${bob.id} joined ${room}`, `${bob.id} left ${room}`]);
  });

  it('has the new member, and no more the former one, when the other node has answered', async () => {
    for (let time = 0; time < 30; time++) {
      const room = `${user}.${time}`;
      await rooms.join(bob.id, room);
      expect(rooms.members(room)).toEqual({ sessions: [bob.id], total: 1 });
      await rooms.leave(bob.id, room);
      expect(rooms.size(room)).toBe(0);
    }
  });

  it('is refused by the other node as by its own', async () => {
    for (const room of ['a', 'b']) await rooms.join(bob.id, `${user}.${room}`);
    await expect(rooms.join(bob.id, `${user}.c`)).rejects.toMatchObject({ code: 'too_many_rooms' });
    expect(problem(await call('PUT', `/rooms/${user}.c/sessions/${bob.id}`))).toBe('409 too_many_rooms');
    const nobody = `${bob.id.slice(0, 9)}${'A'.repeat(16)}`;
    await expect(rooms.join(nobody, 'a')).rejects.toMatchObject({ code: 'receiver_not_found' });
    await expect(rooms.leave(nobody, 'a')).rejects.toMatchObject({ code: 'receiver_not_found' });
    expect(problem(await call('PUT', `/rooms/a/sessions/${nobody}`))).toBe('404 session_not_found');
  });

  it('changes and lists rooms of both nodes over HTTP', async () => {
    const room = `${user}.http`;
    const path = `/rooms/${room}/sessions`;
    for (const { id } of [alice, bob]) expect((await call('PUT', `${path}/${id}`)).status).toBe(204);
    await cluster.settled();
    const { sessions, total } = JSON.parse((await call('GET', path)).body) as { sessions: object[]; total: number };
    expect(total).toBe(2);
    for (const { id } of [alice, bob])
      expect(sessions).toContainEqual(expect.objectContaining({ id, user, address: '127.0.0.1' }));
    const { rooms: listed } = JSON.parse((await call('GET', '/rooms?limit=1000')).body) as { rooms: object[] };
    expect(listed).toContainEqual({ room, total: 2 });
    expect((await call('DELETE', `${path}/${bob.id}`)).status).toBe(204);
    await bob.next('sys.left');
  });

  it('sends to rooms and users, and waits for the receivers on both nodes', async () => {
    const room = `${user}.news`;
    for (const { id } of [alice, bob]) await rooms.join(id, room);
    await cluster.settled();
    expect(await switchboard.deliver('server', `#${room}`, 'news', 1)).toEqual({ delivered: 2, skipped: 0 });
    expect(await switchboard.deliver('server', `@${user}`, 'news', 2)).toEqual({ delivered: 2, skipped: 0 });
    switchboard.send(switchboard.find(alice.id)!, `@${user}`, 'news', 3);
    const message = { type: 'news', receiver: `@${user}`, data: 4 };
    expect((await call('POST', '/messages', message)).body).toBe('{"status":"routed","sessions":2}');
    expect((await call('POST', '/messages', { ...message, receiver: `#${room}`, data: 5 })).body).toBe(
      '{"status":"accepted"}',
    );
    const news = async (client: Client, count: number): Promise<unknown[]> => {
      const data: unknown[] = [];
      while (data.length < count) data.push((await client.next('news')).data);
      return data;
    };
    expect(await news(alice, 4)).toEqual([1, 2, 4, 5]);
    expect(await news(bob, 5)).toEqual([1, 2, 3, 4, 5]);
  });

  it('finds, lists and closes a session of the other node', async () => {
    expect(await switchboard.findAnywhere(bob.id)).toMatchObject({ id: bob.id, user, address: '127.0.0.1' });
    expect(await switchboard.findAnywhere(`${bob.id}x`)).toBeUndefined();
    const { sessions } = await switchboard.listAll({ limit: 1000 });
    for (const { id } of [alice, bob]) expect(sessions).toContainEqual(expect.objectContaining({ id, user }));
    expect(await switchboard.closeAnywhere(bob.id, 4102)).toBe(true);
    expect((await bob.closed).code).toBe(4102);
    expect(await switchboard.closeAnywhere(bob.id)).toBe(false);
  });

  it('answers 503 where the node of a session does not answer, and closes the other sessions of the user', async () => {
    const silent = async (): Promise<'unavailable'> => 'unavailable';
    const backplane = Object.assign(cluster.backplane(0), { kick: silent, changeRoom: silent });
    for (const [method, path] of [
      ['PUT', `/rooms/garden/sessions/${bob.id}`],
      ['DELETE', `/rooms/garden/sessions/${bob.id}`],
      ['DELETE', `/sessions/${bob.id}`],
      ['DELETE', `/users/${user}/sessions`],
    ] as const)
      expect(problem(await call(method, path))).toBe('503 unavailable');
    expect((await alice.closed).code).toBe(4000);
    for (const name of ['kick', 'changeRoom']) Reflect.deleteProperty(backplane, name);
    expect((await call('DELETE', `/users/${user}/sessions`)).body).toBe('{"closed":1}');
    expect((await bob.closed).code).toBe(4000);
  });

  it('closes all sessions of a user on both nodes', async () => {
    const { body } = await call('GET', `/users/${user}/sessions`);
    expect(JSON.parse(body)).toMatchObject({ total: 2 });
    expect((await call('DELETE', `/users/${user}/sessions`)).body).toBe('{"closed":2}');
    for (const client of [alice, bob]) expect(await client.closed).toEqual({ code: 4000, reason: 'kicked' });
    await cluster.settled();
    expect(await switchboard.closeUser(user)).toBe(0);
  });

  it('closes the sessions of a user at one moment, so that they get no notices of each other', async () => {
    const options = bearer(await token({ sub: user }));
    const more = await Promise.all([0, 0, 1, 1, 1].map((node) => connect(cluster.url(node), options)));
    const clients = [alice, bob, ...more];
    for (const { id } of clients) await rooms.join(id, `${user}.all`);
    await cluster.settled();
    for (const client of clients) await client.settled();
    for (const client of clients) client.inbox.length = 0;
    expect(await switchboard.closeUser(user)).toBe(clients.length);
    for (const client of clients) expect([(await client.closed).code, client.inbox]).toEqual([4000, []]);
  });
});

describe('MAX_CONNECTIONS_PER_USER', () => {
  it('holds for the sessions of all nodes, once the news of them have arrived', async () => {
    const cluster = await Cluster.start(2, { ...AUTH, MAX_CONNECTIONS_PER_USER: '2', ARRIVAL_NOTICES: 'off' });
    const open = async (node: number, sub = 'ann'): Promise<Client> => {
      const client = await connect(cluster.url(node), bearer(await token({ sub })));
      await cluster.settled();
      return client;
    };
    const [first] = [await open(0), await open(1)];
    for (const node of [0, 1]) await expect(open(node)).rejects.toThrow('429');
    await open(0, 'bob');
    await first.close(1000);
    await cluster.settled();
    await open(1);
    for (const node of [0, 1]) await expect(open(node)).rejects.toThrow('429');
    await cluster.stop();
  });

  it('counts the sessions of a node that has ended no longer', async () => {
    const cluster = await Cluster.start(2, { ...AUTH, MAX_CONNECTIONS_PER_USER: '1', ARRIVAL_NOTICES: 'off' });
    const options = bearer(await token());
    await connect(cluster.url(1), options);
    await cluster.settled();
    await expect(connect(cluster.url(0), options)).rejects.toThrow('429');
    await cluster.nodes.pop()!.stop();
    await cluster.settled();
    await connect(cluster.url(0), options);
    await cluster.stop();
  });
});
