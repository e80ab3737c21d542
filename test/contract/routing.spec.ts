import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

describe.each(['on', 'off'])('messages between sessions (FAST_LANE=%s)', (lane) => {
  let server: TestServer;
  let alice: Client;
  let bob: Client;
  let carol: Client;

  beforeEach(async () => {
    server = await startServer({ FAST_LANE: lane, ARRIVAL_NOTICES: 'off' });
    [alice, bob, carol] = (await Promise.all([1, 2, 3].map(() => connect(server.url)))) as [Client, Client, Client];
  });
  afterEach(() => server.stop());

  /** Waits until no message is in flight between the three. */
  const settled = async (): Promise<void> => {
    for (const client of [alice, bob, carol]) await client.settled();
    for (const client of [alice, bob, carol]) await client.settled();
  };

  it('reach only the receiver, and are acknowledged once as routed', async () => {
    alice.send({ type: 'offer', receiver: bob.id, data: { sdp: 'v=0' }, id: 'm' });
    await settled();
    expect(alice.inbox).toEqual([
      { type: 'sys.ack', sender: 'server', receiver: alice.id, ref: 'm', data: { status: 'routed' } },
    ]);
    expect(bob.inbox).toEqual([{ type: 'offer', sender: alice.id, receiver: bob.id, data: { sdp: 'v=0' }, id: 'm' }]);
    expect(carol.inbox).toEqual([]);
  });

  it('are not acknowledged without an id', async () => {
    alice.send({ type: 'offer', receiver: bob.id });
    alice.send({ type: 'offer', receiver: '*' });
    await settled();
    expect(alice.inbox).toEqual([]);
    expect(bob.inbox).toHaveLength(2);
  });

  it('to "*" reach all other sessions, and are acknowledged once as accepted', async () => {
    alice.send({ type: 'news', receiver: '*', data: 1, id: 'b' });
    await settled();
    expect(alice.inbox).toEqual([
      { type: 'sys.ack', sender: 'server', receiver: alice.id, ref: 'b', data: { status: 'accepted' } },
    ]);
    const news = { type: 'news', sender: alice.id, receiver: '*', data: 1, id: 'b' };
    expect(bob.inbox).toEqual([news]);
    expect(carol.inbox).toEqual([news]);
  });

  it('to "*" written as an escape reach all other sessions', async () => {
    alice.sendText('{"type":"news","receiver":"\\u002a","id":"b"}');
    await settled();
    expect(alice.inbox).toMatchObject([{ type: 'sys.ack', ref: 'b', data: { status: 'accepted' } }]);
    expect(bob.inbox).toMatchObject([{ type: 'news', sender: alice.id }]);
  });

  it('to "*" are accepted if there is no other session', async () => {
    await Promise.all([bob.close(), carol.close()]);
    alice.send({ type: 'news', receiver: '*', id: 'b' });
    expect((await alice.next('sys.ack')).data).toEqual({ status: 'accepted' });
  });

  it('may be sent to the own session', async () => {
    alice.send({ type: 'note', receiver: alice.id, data: [1], id: 'me' });
    await settled();
    expect(alice.inbox).toHaveLength(2);
    expect(await alice.next('note')).toEqual({
      type: 'note',
      sender: alice.id,
      receiver: alice.id,
      data: [1],
      id: 'me',
    });
    expect(await alice.next('sys.ack')).toMatchObject({ ref: 'me', data: { status: 'routed' } });
    expect([...bob.inbox, ...carol.inbox]).toEqual([]);
  });

  it.each([
    'sys.ack',
    'sys.error',
    'sys.welcome',
    'sys.departed',
    'sys.arrived',
    'sys.pong',
    'sys.',
    'sys.x',
    'sys.who2',
  ])('of the type %s are reserved_type', async (type) => {
    alice.send({ type, receiver: bob.id, id: 'r', data: { code: 1000 } });
    alice.sendText(`{"type":"\\u0073${type.slice(1)}","receiver":"*"}`);
    await settled();
    expect(alice.inbox).toMatchObject([
      { type: 'sys.error', sender: 'server', ref: 'r', data: { code: 'reserved_type' } },
      { type: 'sys.error', sender: 'server', data: { code: 'reserved_type' } },
    ]);
    expect(alice.inbox[1]).not.toHaveProperty('ref');
    expect([...bob.inbox, ...carol.inbox]).toEqual([]);
  });

  it('without a receiver and a handler are unknown_type', async () => {
    alice.send({ type: 'unclaimed', id: 'u', data: {} });
    alice.send({ type: 'toString' });
    await settled();
    expect(alice.inbox).toMatchObject([
      { type: 'sys.error', ref: 'u', data: { code: 'unknown_type' } },
      { type: 'sys.error', data: { code: 'unknown_type' } },
    ]);
    expect(alice.inbox[1]).not.toHaveProperty('ref');
  });

  it('to an unknown or closed session are receiver_not_found', async () => {
    await carol.close(1000);
    await alice.next('sys.departed');
    const [nodePart] = alice.id.split('.');
    for (const receiver of [carol.id, `${nodePart}.${'A'.repeat(16)}`, 'unknown.AAAAAAAAAAAAAAAA', 'x'])
      alice.send({ type: 'x', receiver, id: receiver });
    alice.send({ type: 'x', receiver: carol.id });
    for (const ref of [carol.id, `${nodePart}.${'A'.repeat(16)}`, 'unknown.AAAAAAAAAAAAAAAA', 'x'])
      expect(await alice.answer(ref)).toMatchObject({ type: 'sys.error', data: { code: 'receiver_not_found' } });
    expect(await alice.next()).not.toHaveProperty('ref');
  });

  it('are each answered if they share an id', async () => {
    for (let index = 0; index < 3; index++) alice.send({ type: 'x', receiver: bob.id, id: 'same' });
    await settled();
    expect(alice.inbox.map(({ type, ref }) => [type, ref])).toEqual([1, 2, 3].map(() => ['sys.ack', 'same']));
  });

  it('are routed after every error', async () => {
    for (const text of ['', '[]', '{}', '{"type":"sys.x"}', '{"type":"x"}', '{"type":"x","receiver":"y"}', '{"ref":1}'])
      alice.sendText(text);
    alice.send({ type: 'after', receiver: bob.id, id: 'ok' });
    expect((await bob.next('after')).sender).toBe(alice.id);
    expect((await alice.next('sys.ack')).ref).toBe('ok');
    expect(alice.inbox.map(({ data }) => (data as { code: string }).code)).toEqual([
      'malformed_json',
      'malformed_json',
      'invalid_message',
      'reserved_type',
      'unknown_type',
      'receiver_not_found',
      'invalid_message',
    ]);
  });

  it('arrive in the order sent: plain, long, forged and broadcast mixed', async () => {
    const count = 600;
    for (let index = 0; index < count; index++) {
      const receiver = index % 5 === 0 ? '*' : bob.id;
      const extra = index % 7 === 0 ? { sender: 'server' } : index % 11 === 0 ? { id: `m${index}` } : {};
      const data = { index, fill: 'ä'.repeat(index % 13 === 0 ? 5000 : index % 50) };
      alice.send({ type: 'n', receiver, data, ...extra });
    }
    await settled();
    const order = bob.inbox.map(({ data }) => (data as { index: number }).index);
    expect(order).toEqual(Array.from({ length: count }, (_, index) => index));
    expect(new Set(bob.inbox.map(({ sender }) => sender))).toEqual(new Set([alice.id]));
  });
});
