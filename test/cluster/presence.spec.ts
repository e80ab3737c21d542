import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Client, type Received } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { message, RawClient } from '../support/raw.js';

let cluster: Cluster;
afterEach(() => cluster.stop());

const settled = async (...clients: Client[]): Promise<void> => {
  for (const client of clients) await client.settled();
  await cluster.settled();
  for (const client of clients) await client.settled();
};

const who = async (client: Client): Promise<unknown> => {
  client.send({ type: 'sys.who', data: { limit: 1000 } });
  return (await client.next('sys.sessions')).data;
};

/** Returns the notices and other messages that a client received. */
const received = (client: Client): string[] =>
  client.inbox
    .splice(0)
    .map(({ type, sender, data }) =>
      type === 'sys.departed' ? `-${sender} ${(data as { code: number }).code}` : `${type} ${sender}`,
    );

describe('arrivals and departures', () => {
  it('are sent once to the other sessions of all nodes, and listed on each', async () => {
    cluster = await Cluster.start(3);
    const alice = await connect(cluster.url(0));
    await cluster.settled();
    const bob = await connect(cluster.url(1));
    await cluster.settled();
    const carol = await connect(cluster.url(2));
    await settled(alice, bob, carol);
    expect(received(alice)).toEqual([`sys.arrived ${bob.id}`, `sys.arrived ${carol.id}`]);
    expect(received(bob)).toEqual([`sys.arrived ${carol.id}`]);
    expect(received(carol)).toEqual([]);
    for (const client of [alice, bob, carol])
      expect(await who(client)).toEqual({ sessions: [alice.id, bob.id, carol.id].toSorted(), total: 3 });
    await bob.close(4321);
    await settled(alice, carol);
    expect(received(alice)).toEqual([`-${bob.id} 4321`]);
    expect(received(carol)).toEqual([`-${bob.id} 4321`]);
    for (const client of [alice, carol])
      expect(await who(client)).toEqual({ sessions: [alice.id, carol.id].toSorted(), total: 2 });
  });

  it('are ordered with the messages of the session', async () => {
    cluster = await Cluster.start(2);
    const alice = await connect(cluster.url(0));
    const eager = Buffer.concat([message({ type: 'hi', receiver: alice.id }), message({ type: 'hi', receiver: '*' })]);
    const crowd = await Promise.all(
      Array.from({ length: 10 }, () => RawClient.open(cluster.nodes[1]!.port, undefined, eager)),
    );
    for (const { socket } of crowd) socket.end(message({ type: 'hi', receiver: alice.id }));
    const seen: Received[] = [];
    for (let count = 0; count < 50; count++) seen.push(await alice.next());
    for (const { id } of crowd) {
      const own = seen.filter(({ sender }) => sender === id).map(({ type }) => type);
      expect(own).toEqual(['sys.arrived', 'hi', 'hi', 'hi', 'sys.departed']);
    }
  });

  it('are sent to sessions that exchanged a message, with the scope peers', async () => {
    cluster = await Cluster.start(2, { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'peers' });
    const [alice, bob, carol, dora] = (await Promise.all([0, 0, 0, 1].map((node) => connect(cluster.url(node))))) as [
      Client,
      Client,
      Client,
      Client,
    ];
    alice.send({ type: 'x', receiver: dora.id, id: 'm' });
    await alice.next('sys.ack');
    dora.send({ type: 'x', sender: 'forged', receiver: bob.id });
    await bob.next('x');
    await dora.close(1000);
    for (const client of [alice, bob])
      expect(await client.next()).toMatchObject({ type: 'sys.departed', sender: dora.id, data: { code: 1000 } });
    await settled(alice, bob, carol);
    expect([alice, bob, carol].map(({ inbox }) => inbox)).toEqual([[], [], []]);
    bob.send({ type: 'x', receiver: alice.id });
    await alice.next('x');
  });

  it('are known to a later node before it accepts connections', async () => {
    cluster = await Cluster.start(1, { ARRIVAL_NOTICES: 'off' });
    const crowd = await Promise.all(Array.from({ length: 30 }, () => connect(cluster.url(0))));
    const later = await cluster.add();
    const alice = await connect(later.url);
    const ids = [...crowd, alice].map(({ id }) => id).toSorted();
    expect(await who(alice)).toEqual({ sessions: ids, total: 31 });
    alice.send({ type: 'x', receiver: crowd[7]!.id, id: 'm' });
    expect(await alice.next('sys.ack')).toMatchObject({ ref: 'm', data: { status: 'routed' } });
    await settled(crowd[0]!, alice);
    expect(await who(crowd[0]!)).toEqual({ sessions: ids, total: 31 });
  });

  it('are sent once for each session of a node that stops', async () => {
    cluster = await Cluster.start(2, { ARRIVAL_NOTICES: 'off' });
    const alice = await connect(cluster.url(0));
    const crowd = await Promise.all(Array.from({ length: 5 }, () => connect(cluster.url(1))));
    await settled(alice, ...crowd);
    await cluster.nodes.pop()!.stop();
    const gone: string[] = [];
    while (gone.length < 5) gone.push((await alice.next('sys.departed')).sender);
    expect(gone.toSorted()).toEqual(crowd.map(({ id }) => id).toSorted());
    await settled(alice);
    expect(received(alice)).toEqual([]);
    expect(await who(alice)).toEqual({ sessions: [alice.id], total: 1 });
    alice.send({ type: 'x', receiver: crowd[0]!.id, id: 'm' });
    expect(await alice.next()).toMatchObject({ ref: 'm', data: { code: 'receiver_not_found' } });
  });

  it('do not reach another cluster on the same NATS server', async () => {
    cluster = await Cluster.start(1);
    const alice = await connect(cluster.url(0));
    const other = await cluster.add({ NATS_SUBJECT: 'other' });
    const bob = await connect(other.url);
    bob.send({ type: 'x', receiver: alice.id, id: 'm' });
    expect(await bob.next()).toMatchObject({ ref: 'm', data: { code: 'receiver_not_found' } });
    bob.send({ type: 'x', receiver: '*' });
    await settled(alice, bob);
    expect(alice.inbox).toEqual([]);
    expect(await who(bob)).toEqual({ sessions: [bob.id], total: 1 });
  });
});
