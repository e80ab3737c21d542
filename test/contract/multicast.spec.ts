import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SERVER, Switchboard, type Session } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { StalledReader } from '../support/stalled-reader.js';

describe('a multicast', () => {
  let server: TestServer;
  let switchboard: Switchboard;
  let ann: Client;
  let bob: Client;
  let eve: Client;
  const sessionOf = ({ id }: Client): Session => switchboard.find(id)!;

  beforeEach(async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' });
    switchboard = server.app.get(Switchboard, { strict: false });
    [ann, bob, eve] = [await server.connect(), await server.connect(), await server.connect()];
  });
  afterEach(() => server.stop());

  it('reaches each receiver but the sender, and nobody else', async () => {
    expect(switchboard.multicast(sessionOf(ann), [sessionOf(ann), bob.id], 'news', { a: 1 })).toBe(0);
    expect(await bob.next()).toEqual({ type: 'news', sender: ann.id, receiver: bob.id, data: { a: 1 } });
    await Promise.all([ann, bob, eve].map((client) => client.settled()));
    expect([ann, bob, eve].map(({ inbox }) => inbox)).toEqual([[], [], []]);
  });

  it('of the server reaches every receiver', async () => {
    expect(switchboard.multicast(SERVER, new Set([sessionOf(ann), sessionOf(bob)]), 'news')).toBe(0);
    expect(await ann.next()).toEqual({ type: 'news', sender: 'server', receiver: ann.id });
    expect(await bob.next()).toEqual({ type: 'news', sender: 'server', receiver: bob.id });
  });

  it('counts the receivers that have left, and goes on', async () => {
    const left = sessionOf(eve);
    await eve.close();
    expect(switchboard.multicast(SERVER, [left, 'nobody.here', bob.id], 'news')).toBe(2);
    expect((await bob.next()).type).toBe('news');
  });

  it('skips a receiver that reads too slowly', async () => {
    const slow = await StalledReader.open(server);
    while (!slow.session.outbox.overloaded) switchboard.send(SERVER, slow.id, 'fill', 'x'.repeat(65_536));
    expect(switchboard.multicast(SERVER, [slow.id, bob.id], 'news')).toBe(1);
    expect((await bob.next()).type).toBe('news');
    slow.client.socket.destroy();
  });

  it('reads its data once', async () => {
    let reads = 0;
    switchboard.multicast(SERVER, [ann.id, bob.id], 'news', { toJSON: () => ++reads });
    expect([(await ann.next()).data, (await bob.next()).data]).toEqual([1, 1]);
  });

  it.each<[string, (id: string) => Iterable<string>, string]>([
    ['one of the receivers is "*"', (id) => [id, '*'], 'use broadcast to send to "*"'],
    ['one of the receivers is no id', (id) => [id, 5 as never], "a Session or a session's id, and not a number"],
    ['the receivers are one text', (id) => id, 'use send for one'],
  ])('throws and sends nothing where %s', async (_, receivers, text) => {
    expect(() => switchboard.multicast(SERVER, receivers(ann.id), 'news')).toThrow(text);
    await ann.settled();
    expect(ann.inbox).toEqual([]);
  });

  it('sends nothing in the name of a session that has left', async () => {
    const left = sessionOf(eve);
    await eve.close();
    expect(switchboard.multicast(left, [ann.id], 'news')).toBe(0);
    await ann.settled();
    expect(ann.inbox).toEqual([]);
  });
});
