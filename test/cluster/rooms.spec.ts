import { connect as connectNats, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Client, type Received } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { decodeMessage } from '../support/decode-message.js';

const QUIET = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' };

/** Takes all notices of a client. */
const noticesOf = (client: Client): string[] =>
  client.inbox.splice(0).map(({ type, sender, receiver, data }) => {
    const { code } = (data ?? {}) as { code?: number };
    return `${type} ${receiver} ${sender}${code === undefined ? '' : ` ${code}`}`;
  });

/** Joins a room, and returns the ids of its members as the answer lists them. */
async function join(client: Client, room = 'garden'): Promise<string[]> {
  client.send({ type: 'sys.join', receiver: `#${room}`, id: `join ${room}` });
  const answer = await client.answer(`join ${room}`);
  expect(answer).toMatchObject({ type: 'sys.members', data: { room } });
  return (answer.data as { sessions: string[] }).sessions;
}

async function leave(client: Client, room = 'garden'): Promise<void> {
  client.send({ type: 'sys.leave', receiver: `#${room}`, id: `leave ${room}` });
  expect(await client.answer(`leave ${room}`)).toMatchObject({ type: 'sys.ack', data: { status: 'left' } });
}

async function members(client: Client, room = 'garden'): Promise<{ sessions: string[]; total: number }> {
  client.send({ type: 'sys.who', receiver: `#${room}`, id: `who ${room}`, data: { limit: 1000 } });
  return (await client.answer(`who ${room}`)).data as { sessions: string[]; total: number };
}

const idsOf = (...clients: Client[]): string[] => clients.map(({ id }) => id).toSorted();

describe('a room on three nodes', () => {
  let cluster: Cluster;
  let watcher: NatsConnection;
  let ann: Client;
  let bob: Client;
  let carl: Client;
  /** The node ids to which batches went, and how many messages to rooms were in each. */
  let sentTo: Map<string, number>;

  beforeAll(async () => {
    cluster = await Cluster.start(3, QUIET);
    watcher = await connectNats({ servers: cluster.nats.url });
    watcher.subscribe('switchboard.mail.*', {
      callback: (_, { subject, data }) => {
        const { message } = decodeMessage(data);
        if (message.kind !== 'batch') return;
        const count = message.items.filter((item) => item?.type === 'groupMessage').length;
        const nodeId = subject.split('.')[2]!;
        if (count > 0) sentTo.set(nodeId, (sentTo.get(nodeId) ?? 0) + count);
      },
    });
    await watcher.flush();
  });
  afterAll(async () => {
    await watcher.close();
    await cluster.stop();
  });
  beforeEach(async () => {
    [ann, bob, carl] = (await Promise.all([0, 1, 2].map((node) => connect(cluster.url(node))))) as [
      Client,
      Client,
      Client,
    ];
    await settled();
    sentTo = new Map();
  });
  afterEach(async () => {
    await Promise.all([ann, bob, carl].map((client) => client.close(1000)));
    await settled();
  });

  /** Waits until no message is in flight. */
  const settled = async (): Promise<void> => {
    for (let round = 0; round < 2; round++) {
      for (const client of [ann, bob, carl])
        if (client.socket.readyState === client.socket.OPEN) await client.settled();
      await cluster.settled();
      await watcher.flush();
    }
  };

  it('lists the same members on each of them, and notifies the members of each change once', async () => {
    expect(await join(ann)).toEqual([ann.id]);
    await settled();
    expect(await join(bob)).toEqual(idsOf(ann, bob));
    await settled();
    expect(await join(carl)).toEqual(idsOf(ann, bob, carl));
    await settled();
    for (const client of [ann, bob, carl])
      expect(await members(client)).toEqual({ room: 'garden', sessions: idsOf(ann, bob, carl), total: 3 });
    expect(noticesOf(ann)).toEqual([`sys.joined #garden ${bob.id}`, `sys.joined #garden ${carl.id}`]);
    expect(noticesOf(bob)).toEqual([`sys.joined #garden ${carl.id}`]);
    await leave(bob);
    await carl.close(4321);
    await settled();
    expect(noticesOf(ann)).toEqual([`sys.left #garden ${bob.id}`, `sys.left #garden ${carl.id} 4321`]);
    expect(noticesOf(bob)).toEqual([]);
    expect(await members(bob)).toEqual({ room: 'garden', sessions: [ann.id], total: 1 });
  });

  it('takes a message to the members on all nodes and to no others, and acknowledges it once', async () => {
    const other = await connect(cluster.url(1));
    await join(ann);
    await join(bob);
    await join(carl, 'pond');
    await settled();
    for (const client of [ann, bob, carl]) client.inbox.length = 0;
    const message = { type: 'chat', receiver: '#garden', data: { ä: 1.5 }, id: 'm' };
    ann.send(message);
    expect(await ann.next()).toMatchObject({ type: 'sys.ack', ref: 'm', data: { status: 'accepted' } });
    expect(await bob.next()).toEqual({ ...message, sender: ann.id });
    await settled();
    await other.settled();
    expect([ann, bob, carl, other].map(({ inbox }) => inbox)).toEqual([[], [], [], []]);
    await other.close();
  });

  it('costs nothing between nodes where all members are on the node of the sender', async () => {
    const anne = await connect(cluster.url(0));
    await join(ann);
    await join(anne);
    await settled();
    ann.send({ type: 'chat', receiver: '#garden', id: 'm' });
    expect(await ann.answer('m')).toMatchObject({ data: { status: 'accepted' } });
    await anne.next('chat');
    await settled();
    expect(sentTo).toEqual(new Map());
    await join(bob);
    await settled();
    ann.send({ type: 'chat', receiver: '#garden', id: 'n' });
    expect(await ann.answer('n')).toMatchObject({ data: { status: 'accepted' } });
    await bob.next('chat');
    await settled();
    // One message for one node, whatever the number of its members.
    expect(sentTo).toEqual(new Map([[bob.id.slice(0, 8), 1]]));
    await anne.close();
  });

  it('gets the messages of a session after its join and before its leave', async () => {
    await join(ann);
    await settled();
    for (let round = 0; round < 50; round++) {
      bob.send({ type: 'sys.join', receiver: '#garden' });
      bob.send({ type: 'chat', receiver: '#garden', data: round });
      bob.send({ type: 'direct', receiver: ann.id, data: round });
      bob.send({ type: 'sys.leave', receiver: '#garden' });
    }
    const seen: Received[] = [];
    while (seen.length < 200) seen.push(await ann.next());
    const round = ['sys.joined', 'chat', 'direct', 'sys.left'];
    expect(seen.map(({ type }) => type)).toEqual(Array.from({ length: 50 }, () => round).flat());
    expect(new Set(seen.map(({ sender }) => sender))).toEqual(new Set([bob.id]));
    await settled();
    expect(bob.inbox.filter(({ type }) => type === 'sys.error')).toEqual([]);
  });

  it('is joined and left for a session of another node by server code', async () => {
    await join(ann);
    await settled();
    const backplane = cluster.backplane(0);
    expect(await backplane.changeRoom('join', bob.id, 'garden')).toBeUndefined();
    expect(await bob.next('sys.members')).toMatchObject({ data: { room: 'garden', sessions: idsOf(ann, bob) } });
    expect(await ann.next()).toMatchObject({ type: 'sys.joined', sender: bob.id });
    expect(await backplane.changeRoom('leave', bob.id, 'garden')).toBeUndefined();
    expect(await bob.next('sys.left')).toMatchObject({ sender: bob.id, receiver: '#garden' });
    expect(await ann.next()).toMatchObject({ type: 'sys.left', sender: bob.id, data: {} });
    expect(await backplane.changeRoom('join', `${bob.id.slice(0, 9)}${'A'.repeat(16)}`, 'garden')).toBe(
      'receiver_not_found',
    );
    expect(await backplane.changeRoom('join', 'nobody', 'garden')).toBe('receiver_not_found');
  });

  it('is joined by server code up to the limit of rooms', async () => {
    const strict = await cluster.add({ MAX_ROOMS_PER_SESSION: '2' });
    const dora = await connect(strict.url);
    await cluster.settled();
    const results: unknown[] = [];
    for (const room of ['one', 'two', 'three', 'two'])
      results.push(await cluster.backplane(0).changeRoom('join', dora.id, room));
    expect(results).toEqual([undefined, undefined, 'too_many_rooms', undefined]);
    await dora.close();
    cluster.nodes.splice(cluster.nodes.indexOf(strict), 1);
    await strict.stop();
  });

  it('is known to a later node before it accepts connections', async () => {
    const crowd = await Promise.all(Array.from({ length: 20 }, () => connect(cluster.url(1))));
    for (const client of crowd) await Promise.all([join(client), join(client, 'pond')]);
    for (const client of crowd) {
      await client.settled();
      client.inbox.length = 0;
    }
    const later = await cluster.add();
    const dora = await connect(later.url);
    expect(await members(dora)).toEqual({ room: 'garden', sessions: idsOf(...crowd), total: 20 });
    expect(await join(dora, 'pond')).toEqual(idsOf(dora, ...crowd));
    expect(await crowd[0]!.next('sys.joined')).toMatchObject({ sender: dora.id, receiver: '#pond' });
    dora.send({ type: 'chat', receiver: '#pond', id: 'm' });
    expect(await dora.answer('m')).toMatchObject({ data: { status: 'accepted' } });
    for (const client of crowd) expect((await client.next('chat')).sender).toBe(dora.id);
    cluster.nodes.splice(cluster.nodes.indexOf(later), 1);
    await later.stop();
    await Promise.all(crowd.map((client) => client.close()));
  });
});

describe('the rooms of a node without NATS', () => {
  let cluster: Cluster;
  afterEach(() => cluster.stop());

  it('are the same on all nodes when it is back, and each change causes one notice', async () => {
    cluster = await Cluster.start(2, { ...QUIET, NODE_TIMEOUT_MS: '1500', BACKPLANE_TIMEOUT_MS: '500' });
    const [ann, bob, anne, stays] = (await Promise.all([0, 1, 0, 1].map((node) => connect(cluster.url(node))))) as [
      Client,
      Client,
      Client,
      Client,
    ];
    await join(ann);
    await join(bob);
    await join(stays);
    while ((await members(ann)).total < 3 || (await members(bob)).total < 3);
    for (const client of [ann, bob, stays]) client.inbox.length = 0;
    await cluster.nats.stop();
    ann.send({ type: 'chat', receiver: '#garden', id: 'lost' });
    expect(await ann.answer('lost')).toMatchObject({ data: { code: 'unavailable' } });
    // Members on the same node go on.
    await leave(bob);
    expect(await stays.next()).toMatchObject({ type: 'sys.left', sender: bob.id });
    await join(anne);
    await join(anne, 'pond');
    expect(await ann.next()).toMatchObject({ type: 'sys.joined', sender: anne.id });
    await cluster.nats.start();
    expect(await stays.next()).toMatchObject({ type: 'sys.joined', sender: anne.id });
    for (const client of [ann, anne])
      expect(await client.next()).toMatchObject({ type: 'sys.left', sender: bob.id, data: {} });
    expect((await members(stays)).sessions).toEqual(idsOf(ann, anne, stays));
    expect((await members(ann)).sessions).toEqual(idsOf(ann, anne, stays));
    expect((await members(bob, 'pond')).sessions).toEqual([anne.id]);
    expect([ann, anne, bob, stays].map((client) => noticesOf(client))).toEqual([[], [], [], []]);
  });
});
