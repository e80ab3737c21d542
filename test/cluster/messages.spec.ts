import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { Cluster } from '../support/cluster.js';

describe.each(['on', 'off'])('messages between nodes (FAST_LANE=%s)', (lane) => {
  let cluster: Cluster;
  let alice: Client;
  let bob: Client;
  let carol: Client;

  beforeAll(async () => {
    cluster = await Cluster.start(2, { FAST_LANE: lane, ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' });
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    [alice, bob, carol] = (await Promise.all([0, 1, 1].map((node) => connect(cluster.url(node))))) as [
      Client,
      Client,
      Client,
    ];
  });

  it('reach their receiver only, and are acknowledged once as routed', async () => {
    alice.send({ type: 'offer', receiver: bob.id, data: { sdp: 'v=0' }, id: 'm' });
    expect(await bob.next()).toEqual({
      type: 'offer',
      sender: alice.id,
      receiver: bob.id,
      data: { sdp: 'v=0' },
      id: 'm',
    });
    expect(await alice.next()).toEqual({
      type: 'sys.ack',
      sender: 'server',
      receiver: alice.id,
      ref: 'm',
      data: { status: 'routed' },
    });
    await settled();
    expect([alice, bob, carol].map(({ inbox }) => inbox)).toEqual([[], [], []]);
  });

  it('are refused by the rules of the node of their sender', async () => {
    const strict = await cluster.add({ RESERVED_TYPES: 'poll.*', FAST_LANE: lane });
    const dora = await strict.connect();
    for (const receiver of [bob.id, '*']) dora.send({ type: 'poll.opened', receiver, id: receiver });
    for (const ref of [bob.id, '*'])
      expect(await dora.answer(ref)).toMatchObject({ type: 'sys.error', data: { code: 'reserved_type' } });
    dora.send({ type: 'chat', receiver: bob.id, id: 'c' });
    expect(await dora.answer('c')).toMatchObject({ data: { status: 'routed' } });
    expect((await bob.next()).type).toBe('chat');
    alice.send({ type: 'poll.opened', receiver: dora.id, id: 'a' });
    expect(await alice.answer('a')).toMatchObject({ data: { status: 'routed' } });
    expect((await dora.next('poll.opened')).sender).toBe(alice.id);
    await dora.close();
    await settled();
  });

  it('are carried unchanged, plain, long and forged', async () => {
    const long = 'ä€😀"\\'.repeat(4000);
    alice.send({ type: 'n', receiver: bob.id, data: long });
    alice.sendText(`{"type":"n","sender":"server","receiver":"${bob.id}","data":1.00e2,"id":"f"}`);
    expect((await bob.next()).data).toBe(long);
    await bob.next();
    expect(bob.frames.at(-1)).toBe(`{"sender":"${alice.id}","type":"n","receiver":"${bob.id}","data":1.00e2,"id":"f"}`);
  });

  it('to a departed or unknown session are receiver_not_found', async () => {
    await carol.close(1000);
    const [nodeId] = bob.id.split('.');
    const unknown = [
      carol.id,
      `${nodeId}.${'A'.repeat(16)}`,
      `AAAAAAAA.${'A'.repeat(16)}`,
      `${nodeId}.`,
      nodeId!,
      `${nodeId}.*`,
    ];
    for (const [index, receiver] of unknown.entries()) {
      alice.send({ type: 'x', receiver, id: `m${index}` });
      expect(await alice.next()).toMatchObject({
        type: 'sys.error',
        ref: `m${index}`,
        data: { code: 'receiver_not_found', message: 'No session has this id.' },
      });
    }
    alice.send({ type: 'x', receiver: carol.id });
    expect(await alice.next()).not.toHaveProperty('ref');
  });

  it('of one batch are answered one by one', async () => {
    const receivers = [bob.id, `${bob.id.slice(0, 8)}.${'B'.repeat(16)}`, carol.id, alice.id];
    for (let index = 0; index < 400; index++) alice.send({ type: 'x', receiver: receivers[index % 4], id: `${index}` });
    const answers = new Map<string, string>();
    while (answers.size < 400) {
      const { type, ref, data } = await alice.next();
      if (type !== 'x') answers.set(ref!, (data as { status?: string; code?: string }).status ?? data.code);
    }
    for (const [ref, answer] of answers) expect(answer).toBe(Number(ref) % 4 === 1 ? 'receiver_not_found' : 'routed');
  });

  it('to all reach every session on every node once, except the sender', async () => {
    alice.send({ type: 'news', receiver: '*', data: 1, id: 'b' });
    bob.send({ type: 'news', receiver: '*', data: 2 });
    expect(await alice.next('sys.ack')).toMatchObject({ ref: 'b', data: { status: 'accepted' } });
    expect((await alice.next('news')).data).toBe(2);
    expect(await bob.next('news')).toEqual({ type: 'news', sender: alice.id, receiver: '*', data: 1, id: 'b' });
    await carol.next('news');
    await carol.next('news');
    await settled();
    expect([alice, bob, carol].map(({ inbox }) => inbox)).toEqual([[], [], []]);
  });

  it('arrive in the order sent, plain, long, forged and broadcast mixed', async () => {
    const count = 600;
    for (let index = 0; index < count; index++) {
      const receiver = index % 5 === 0 ? '*' : bob.id;
      const extra = index % 7 === 0 ? { sender: 'server' } : index % 11 === 0 ? { id: `m${index}` } : {};
      alice.send({
        type: 'n',
        receiver,
        data: { index, fill: 'ä'.repeat(index % 13 === 0 ? 5000 : index % 50) },
        ...extra,
      });
    }
    const order: number[] = [];
    while (order.length < count) order.push((await bob.next('n')).data.index as number);
    expect(order).toEqual(Array.from({ length: count }, (_, index) => index));
  });

  /** Waits until no message is in flight between the three. */
  const settled = async (): Promise<void> => {
    for (const client of [alice, bob, carol]) await client.settled();
    await cluster.settled();
    for (const client of [alice, bob, carol]) await client.settled();
  };
});
