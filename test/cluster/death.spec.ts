import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Client, type Received } from '../support/client.js';
import { NatsServer } from '../support/nats.js';
import { ServerProcess } from '../support/process.js';

const NODE_TIMEOUT_MS = 2000;
const QUICK = { NODE_TIMEOUT_MS: String(NODE_TIMEOUT_MS), BACKPLANE_TIMEOUT_MS: '500', BACKPLANE: 'nats' };

let nats: NatsServer;
let nodes: ServerProcess[];

beforeEach(async () => {
  nats = await NatsServer.start();
  nodes = [];
  for (let count = 0; count < 3; count++)
    nodes.push(await ServerProcess.start({ ...QUICK, ARRIVAL_NOTICES: 'off', NATS_URL: nats.url }));
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
  await nats.stop();
});

const crowdOn = (node: ServerProcess, size: number): Promise<Client[]> =>
  Promise.all(Array.from({ length: size }, () => connect(node.url)));

/** Waits until `sys.who` lists so many sessions. */
async function sees(client: Client, total: number): Promise<void> {
  for (let data: { total: number } | undefined; data?.total !== total;) {
    client.send({ type: 'sys.who', id: 'w' });
    data = (await client.answer('w')).data as { total: number };
  }
}

async function departures(client: Client, count: number): Promise<Received[]> {
  const received: Received[] = [];
  while (received.length < count) received.push(await client.next('sys.departed'));
  return received;
}

/** Sends messages until one has one of these answers. Returns all answers. */
async function until(client: Client, receiver: string, ...wanted: string[]): Promise<string[]> {
  const answers: string[] = [];
  while (!wanted.includes(answers.at(-1)!)) {
    client.send({ type: 'try', receiver, id: 'try' });
    const { data } = await client.answer('try');
    answers.push((data as { status?: string }).status ?? (data as { code: string }).code);
  }
  return answers;
}

describe('a node', () => {
  it('that is killed departs within the timeout, each session once, and its ids are not found afterwards', async () => {
    const [[alice], [bob], crowd] = await Promise.all([
      crowdOn(nodes[0]!, 1),
      crowdOn(nodes[1]!, 1),
      crowdOn(nodes[2]!, 40),
    ]);
    await Promise.all([sees(alice!, 42), sees(bob!, 42)]);
    const since = performance.now();
    await nodes[2]!.kill();
    const answers = until(alice!, crowd[0]!.id, 'receiver_not_found');
    for (const client of [alice!, bob!]) {
      const received = await departures(client, 40);
      expect(received.map(({ sender }) => sender).toSorted()).toEqual(crowd.map(({ id }) => id).toSorted());
      expect(new Set(received.map(({ data }) => (data as { code: number }).code))).toEqual(new Set([1006]));
    }
    const tookMs = performance.now() - since;
    // Messages are `unavailable` until the node is declared dead, and never `routed`.
    expect(new Set(await answers)).toEqual(new Set(['unavailable', 'receiver_not_found']));
    expect(tookMs).toBeLessThan(NODE_TIMEOUT_MS + 2000);
    await Promise.all([sees(alice!, 2), sees(bob!, 2)]);
    for (const client of [alice!, bob!]) {
      await client.settled();
      expect(client.inbox).toEqual([]);
    }
  });

  it('that is killed leaves its rooms: each member gets each leave once, with the code 1006', async () => {
    const [[alice], [bob], crowd] = await Promise.all([
      crowdOn(nodes[0]!, 1),
      crowdOn(nodes[1]!, 1),
      crowdOn(nodes[2]!, 20),
    ]);
    const all = [alice!, bob!, ...crowd];
    for (const client of all) client.send({ type: 'sys.join', receiver: '#garden', id: 'join' });
    for (const client of all) await client.answer('join');
    for (const client of [alice!, bob!])
      for (let total: unknown; total !== all.length;) {
        client.send({ type: 'sys.who', receiver: '#garden', id: 'who' });
        ({ total } = (await client.answer('who')).data as { total: number });
      }
    await nodes[2]!.kill();
    for (const client of [alice!, bob!]) {
      const left: Received[] = [];
      while (left.length < crowd.length) left.push(await client.next('sys.left'));
      expect(left.map(({ sender }) => sender).toSorted()).toEqual(crowd.map(({ id }) => id).toSorted());
      for (const { receiver, data } of left) expect([receiver, data]).toEqual(['#garden', { code: 1006 }]);
    }
    alice!.send({ type: 'chat', receiver: '#garden', id: 'chat' });
    expect(await alice!.answer('chat')).toMatchObject({ data: { status: 'accepted' } });
    await bob!.next('chat');
    for (const client of [alice!, bob!]) {
      await client.settled();
      expect(client.inbox.filter(({ type }) => type === 'sys.left')).toEqual([]);
    }
  });

  it('that was paused for longer than the timeout ends its sessions and rejoins under another id', async () => {
    const [[alice], [bob], crowd] = await Promise.all([
      crowdOn(nodes[0]!, 1),
      crowdOn(nodes[1]!, 1),
      crowdOn(nodes[2]!, 10),
    ]);
    await Promise.all([sees(alice!, 12), sees(bob!, 12), sees(crowd[0]!, 12)]);
    nodes[2]!.signal('SIGSTOP');
    alice!.send({ type: 'late', receiver: crowd[0]!.id, id: 'late' });
    expect(await alice!.answer('late')).toMatchObject({ data: { code: 'unavailable' } });
    for (const client of [alice!, bob!]) await departures(client, 10);
    // Messages of sessions of a dead node must not be delivered.
    for (const client of crowd) client.send({ type: 'ghost', receiver: '*' });
    crowd[1]!.send({ type: 'ghost', receiver: alice!.id });
    nodes[2]!.signal('SIGCONT');
    for (const client of crowd) expect(await client.closed).toEqual({ code: 1012, reason: 'service_restart' });
    expect(crowd.flatMap(({ inbox }) => inbox.filter(({ type }) => type === 'late'))).toEqual([]);
    const [dora] = await crowdOn(nodes[2]!, 1);
    expect(dora!.id.slice(0, 8)).not.toBe(crowd[0]!.id.slice(0, 8));
    await Promise.all([sees(alice!, 3), sees(bob!, 3), sees(dora!, 3)]);
    await until(alice!, dora!.id, 'routed');
    await until(dora!, bob!.id, 'routed');
    await Promise.all([alice!.settled(), bob!.settled()]);
    expect(alice!.inbox).toEqual([]);
    expect(bob!.inbox.map(({ type, sender }) => [type, sender])).toEqual([['try', dora!.id]]);
    expect((await nodes[2]!.logged('fenced by other nodes; closing all sessions')).level).toBe('warn');
  });

  it('that was paused executes no late batch, not even of a node first seen during the pause', async () => {
    const [bob] = await crowdOn(nodes[2]!, 1);
    nodes[2]!.signal('SIGSTOP');
    nodes.push(await ServerProcess.start({ ...QUICK, ARRIVAL_NOTICES: 'off', NATS_URL: nats.url }));
    const [carol] = await crowdOn(nodes[3]!, 1);
    carol!.send({ type: 'late', receiver: bob!.id, id: 'late' });
    expect(await carol!.answer('late')).toMatchObject({ data: { code: 'unavailable' } });
    nodes[2]!.signal('SIGCONT');
    // A slow machine may declare the node dead meanwhile.
    await until(carol!, bob!.id, 'routed', 'receiver_not_found');
    expect(bob!.inbox.map(({ type }) => type)).not.toContain('late');
  });

  it('that was paused for less continues without departures', async () => {
    const [[alice], [bob]] = await Promise.all([crowdOn(nodes[0]!, 1), crowdOn(nodes[2]!, 1)]);
    await sees(alice!, 2);
    nodes[2]!.signal('SIGSTOP');
    alice!.send({ type: 'late', receiver: bob!.id, id: 'late' });
    expect(await alice!.answer('late')).toMatchObject({ data: { code: 'unavailable' } });
    nodes[2]!.signal('SIGCONT');
    await until(alice!, bob!.id, 'routed');
    expect((await bob!.next()).type).toBe('try');
    await alice!.settled();
    expect(alice!.inbox).toEqual([]);
  });

  it('that drains sends each departure with its code', async () => {
    const [[alice], crowd] = await Promise.all([crowdOn(nodes[0]!, 1), crowdOn(nodes[2]!, 20)]);
    await sees(alice!, 21);
    nodes[2]!.signal('SIGTERM');
    for (const { data } of await departures(alice!, 20)) expect(data).toEqual({ code: 1012 });
    for (const client of crowd) expect((await client.closed).code).toBe(1012);
    expect(await nodes[2]!.ended).toEqual({ code: 0, signal: null });
    alice!.send({ type: 'x', receiver: crowd[0]!.id, id: 'm' });
    expect(await alice!.answer('m')).toMatchObject({ data: { code: 'receiver_not_found' } });
    await sees(alice!, 1);
    expect(alice!.inbox).toEqual([]);
  });
});
