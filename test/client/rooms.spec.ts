import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Client, ConnectOptions } from '../../packages/client/src/connect.js';
import { Rooms } from '../../src/groups/rooms.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, codeOf, join, receives } from '../support/switchboard-client.js';
import { AUTH, token } from '../support/tokens.js';

describe('a client of rooms', () => {
  let server: TestServer;
  let proxy: FaultProxy;
  const clients: Client[] = [];
  beforeAll(async () => {
    server = await startServer({ ...AUTH, AUTH: 'optional', ROOMS: 'token', MAX_ROOMS_PER_SESSION: '3' });
    proxy = await FaultProxy.start(server.port);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  async function connected(options?: ConnectOptions, url = server.url): Promise<Client> {
    const client = join(url, { token: () => token(), ...options });
    clients.push(client);
    await client.ready();
    return client;
  }

  /** Connects a client whose session ends with its connection. */
  const viaProxy = (options?: ConnectOptions): Promise<Client> => connected({ ...options, resume: false }, proxy.url);

  /** Cuts the connection of a client behind the proxy, and resolves when it is open again. */
  async function reconnected(client: Client): Promise<void> {
    const open = becomes(client, 'open');
    proxy.cut();
    await open;
  }

  it('gets the members with its join, then each change and each message of the room', async () => {
    const [ann, bob] = [await connected(), await connected()];
    expect(await ann.join('garden')).toEqual({ room: 'garden', sessions: [ann.id], total: 1 });
    const joined = receives(ann, 'sys.joined');
    expect(await bob.join('garden')).toEqual({ room: 'garden', sessions: sorted(ann, bob), total: 2 });
    expect(await joined).toMatchObject({ sender: bob.id, receiver: '#garden' });
    const chat = receives(ann, 'chat');
    expect(await bob.send('#garden', 'chat', { text: 'hello' })).toEqual({ status: 'accepted' });
    expect(await chat).toMatchObject({ sender: bob.id, receiver: '#garden', data: { text: 'hello' } });
    const left = receives(ann, 'sys.left');
    expect(await bob.leave('garden')).toEqual({ status: 'left' });
    expect(await left).toMatchObject({ sender: bob.id, receiver: '#garden', data: {} });
    expect(await codeOf(bob.send('#garden', 'chat'))).toBe('not_joined');
  });

  it('lists the members page by page, up to a limit', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => connected()));
    await Promise.all(all.map((client) => client.join('listed')));
    const ids = sorted(...all);
    expect(await all[0]!.members('listed')).toEqual(ids);
    expect(await all[0]!.members('listed', { limit: 2 })).toEqual(ids.slice(0, 2));
    expect(await all[0]!.members('nobody')).toEqual([]);
  });

  it('rejects a join that the server refuses', async () => {
    const ann = await connected();
    expect(await codeOf(ann.join('no room'))).toBe('invalid_message');
    for (const room of ['one', 'two', 'three']) await ann.join(room);
    const failed: unknown[] = [];
    ann.onError(({ type, receiver }) => failed.push([type, receiver]));
    expect(await codeOf(ann.join('four'))).toBe('too_many_rooms');
    expect(failed).toEqual([['sys.join', '#four']]);
    const eve = await connected({ token: () => undefined });
    expect(await codeOf(eve.join('one'))).toBe('forbidden');
  });

  it('is back in its rooms after a reconnect, before its queued messages and its listeners', async () => {
    const [ann, bob] = [await viaProxy(), await connected()];
    await bob.join('garden');
    const joined = receives(bob, 'sys.joined');
    await ann.join('garden');
    await joined;
    const waiting = becomes(ann, 'waiting');
    proxy.disable();
    await waiting;
    const queued = ann.send('#garden', 'chat', 'queued');
    const posted = new Promise((resolve) => {
      ann.onState(({ phase }) => phase === 'open' && resolve(ann.post('#garden', 'chat', 'posted')));
    });
    const seen: unknown[] = [];
    for (const type of ['sys.joined', 'chat'])
      bob.on(type, ({ sender, receiver, data }) => seen.push([type, sender, receiver, data]));
    const members = receives(ann, 'sys.members');
    proxy.enable();
    expect(await queued).toEqual({ status: 'accepted' });
    expect(await posted).toBe(true);
    expect((await members).data).toMatchObject({ room: 'garden', total: 2 });
    await ann.send('#garden', 'chat', 'last');
    await bob.send(bob.id, 'end'); // after all messages to bob
    const { id } = ann;
    expect(seen).toEqual([
      ['sys.joined', id, '#garden', {}],
      ['chat', id, '#garden', 'queued'],
      ['chat', id, '#garden', 'posted'],
      ['chat', id, '#garden', 'last'],
    ]);
  });

  it('queues a join without a connection, in order with its messages', async () => {
    const ann = await viaProxy();
    const waiting = becomes(ann, 'waiting');
    proxy.disable();
    await waiting;
    const joining = ann.join('later');
    const sent = ann.send('#later', 'chat');
    const timedOut = codeOf(ann.join('never', { timeoutMs: 20 }));
    expect(await timedOut).toBe('timeout');
    proxy.enable();
    expect(await joining).toMatchObject({ room: 'later', total: 1 });
    expect(await sent).toEqual({ status: 'accepted' });
    await reconnected(ann);
    expect(await ann.members('never')).toEqual([]);
  });

  it('sends a join again whose answer was lost with the connection', async () => {
    const [ann, bob] = [await viaProxy(), await connected()];
    await bob.join('lost');
    proxy.discards = 'responses';
    const arrived = receives(bob, 'sys.joined');
    const joining = ann.join('lost');
    await arrived;
    proxy.discards = 'nothing';
    await reconnected(ann);
    expect(await joining).toMatchObject({ room: 'lost', sessions: sorted(ann, bob) });
  });

  it('does not return to a room that it has left, also while disconnected', async () => {
    const ann = await viaProxy();
    await ann.join('open');
    await ann.join('closed');
    await ann.leave('open');
    const waiting = becomes(ann, 'waiting');
    proxy.disable();
    await waiting;
    const leaving = ann.leave('closed');
    const rooms: unknown[] = [];
    ann.on('sys.members', ({ data }) => rooms.push(data.room));
    proxy.enable();
    expect(await leaving).toEqual({ status: 'left' });
    expect(rooms).toEqual([]);
  });

  it('does not return to a room that server code took it out of', async () => {
    const ann = await viaProxy();
    await ann.join('stays');
    await ann.join('ends');
    const rooms = server.app.get(Rooms);
    const left = receives(ann, 'sys.left');
    await rooms.leave(ann.id!, 'ends');
    expect(await left).toMatchObject({ sender: ann.id, receiver: '#ends' });
    await reconnected(ann);
    await ann.members('stays'); // after the joins of the reconnect
    const session = server.app.get(SessionRegistry).find(ann.id!)!;
    expect(rooms.of(session)).toEqual(['stays']);
  });

  it('reports a room that it may not join any more after a reconnect, and drops the room', async () => {
    let calls = 0;
    const ann = await viaProxy({ token: () => (++calls === 2 ? undefined : token()) });
    await ann.join('members');
    const failed: unknown[] = [];
    const failure = new Promise((resolve) => ann.onError(resolve));
    ann.onError(({ type, receiver, error }) => failed.push([type, receiver, (error as { code?: string }).code]));
    await reconnected(ann);
    await failure;
    expect(failed).toEqual([['sys.join', '#members', 'forbidden']]);
    await reconnected(ann);
    expect(await ann.members('members')).toEqual([]);
  });

  it('watches a user, again after a reconnect, until it ends the watch', async () => {
    const ann = await viaProxy();
    expect(await ann.watch('eve')).toEqual({ user: 'eve', online: false, sessions: 0 });
    const online = receives(ann, 'sys.presence');
    const eve = await connected({ token: () => token({ sub: 'eve' }) });
    expect(await online).toMatchObject({ receiver: ann.id, data: { user: 'eve', online: true, sessions: 1 } });
    const again = receives(ann, 'sys.presence');
    await reconnected(ann);
    expect((await again).data).toEqual({ user: 'eve', online: true, sessions: 1 });
    const chat = receives(eve, 'chat');
    expect(await ann.send('@eve', 'chat', 'hello')).toEqual({ status: 'routed', sessions: 1 });
    expect(await chat).toMatchObject({ sender: ann.id, receiver: '@eve' });
    const offline = receives(ann, 'sys.presence');
    eve.close();
    expect((await offline).data).toEqual({ user: 'eve', online: false, sessions: 0 });
    expect(await ann.unwatch('eve')).toEqual({ status: 'unwatched' });
    expect(await codeOf(ann.send('@eve', 'chat'))).toBe('receiver_not_found');
  });
});

/** Returns the ids of clients in the order of the server. */
function sorted(...clients: Client[]): string[] {
  return clients.map(({ id }) => id!).toSorted((a, b) => (a < b ? -1 : 1));
}
