import { afterEach, describe, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from '../support/ask.js';
import { connect, type Client } from '../support/client.js';
import { Cluster } from '../support/cluster.js';

let cluster: Cluster;
afterEach(() => cluster.stop());

const QUICK = { NODE_TIMEOUT_MS: '1500', BACKPLANE_TIMEOUT_MS: '500', ARRIVAL_NOTICES: 'off' };

/** Sends messages until one has this answer. Returns all answers. */
async function until(client: Client, receiver: string, wanted: string): Promise<string[]> {
  const answers: string[] = [];
  while (answers.at(-1) !== wanted) {
    client.send({ type: 'try', receiver, id: `t${answers.length}` });
    const { data } = await client.answer(`t${answers.length}`);
    answers.push((data as { status?: string; code?: string }).status ?? (data as { code: string }).code);
    if (answers.at(-1) !== wanted) await delay(20);
  }
  return answers;
}

const who = async (client: Client): Promise<unknown> => {
  client.send({ type: 'sys.who', id: 'who', data: { limit: 1000 } });
  return (await client.answer('who')).data;
};

async function ready(index: number): Promise<{ status: number; backplane: string }> {
  const { status, body } = await ask(`http://127.0.0.1:${cluster.nodes[index]!.port}/health/ready`);
  const { details } = JSON.parse(body) as { details: { backplane: { status: string } } };
  return { status, backplane: details.backplane.status };
}

/** Waits for a condition, at most until the timeout of the test. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}

describe('without NATS', () => {
  it('local messages are routed, remote ones are unavailable, readiness fails, and all recovers afterwards', async () => {
    cluster = await Cluster.start(2, QUICK);
    const [alice, anne, bob, gone] = (await Promise.all([0, 0, 1, 1].map((node) => connect(cluster.url(node))))) as [
      Client,
      Client,
      Client,
      Client,
    ];
    await until(alice, bob.id, 'routed');
    expect(await ready(0)).toEqual({ status: 200, backplane: 'up' });
    await cluster.nats.stop();
    const answers = await until(alice, bob.id, 'unavailable');
    expect(new Set(answers.slice(0, -1)).size).toBeLessThanOrEqual(1);
    alice.send({ type: 'x', receiver: anne.id, id: 'local' });
    expect(await alice.answer('local')).toMatchObject({ data: { status: 'routed' } });
    alice.send({ type: 'news', receiver: '*', id: 'all' });
    expect(await alice.answer('all')).toMatchObject({ type: 'sys.error', data: { code: 'unavailable' } });
    await anne.next('news');
    alice.send({ type: 'x', receiver: bob.id });
    expect((await alice.next('sys.error')).data).toMatchObject({ code: 'unavailable' });
    await eventually(async () => (await ready(0)).status === 503);
    expect(await ready(1)).toEqual({ status: 503, backplane: 'down' });

    await gone.close(4001);
    const came = await connect(cluster.url(1));
    await bob.next('sys.departed');
    expect(alice.inbox.filter(({ type }) => type === 'sys.departed')).toEqual([]);

    await cluster.nats.start();
    expect(await alice.next('sys.departed')).toMatchObject({ sender: gone.id, data: { code: 4001 } });
    await until(alice, came.id, 'routed');
    const everyone = { sessions: [alice, anne, bob, came].map(({ id }) => id).toSorted(), total: 4 };
    for (const client of [alice, bob])
      await eventually(async () => JSON.stringify(await who(client)) === JSON.stringify(everyone));
    expect(await ready(0)).toEqual({ status: 200, backplane: 'up' });
    expect([alice, anne, bob, came].map(({ inbox }) => inbox.filter(({ type }) => type === 'sys.departed'))).toEqual([
      [],
      [expect.objectContaining({ sender: gone.id })],
      [],
      [],
    ]);
    // No refused message was delivered later.
    expect(bob.inbox.filter(({ type }) => type !== 'try')).toEqual([]);
    expect(bob.inbox).toHaveLength(1);
  });

  it('because it is paused, no node is declared dead, and no refused message is delivered later', async () => {
    cluster = await Cluster.start(2, QUICK);
    const [alice, bob] = (await Promise.all([0, 1].map((node) => connect(cluster.url(node))))) as [Client, Client];
    await until(alice, bob.id, 'routed');
    await bob.next('try');
    await cluster.nats.standStill();
    for (let index = 0; index < 20; index++) alice.send({ type: 'late', receiver: bob.id, id: `m${index}` });
    for (let index = 0; index < 20; index++)
      expect(await alice.answer(`m${index}`)).toMatchObject({ data: { code: 'unavailable' } });
    await eventually(async () => (await ready(0)).status === 503);
    cluster.nats.goOn();
    await until(alice, bob.id, 'routed');
    await until(bob, alice.id, 'routed');
    expect(bob.inbox.filter(({ type }) => type !== 'try')).toEqual([]);
    expect(alice.inbox.filter(({ type }) => type !== 'try')).toEqual([]);
  });

  it('a node starts, and joins when NATS starts', async () => {
    cluster = await Cluster.start(1, QUICK);
    await cluster.nats.stop();
    await cluster.add();
    const [alice, bob] = (await Promise.all([0, 1].map((node) => connect(cluster.url(node))))) as [Client, Client];
    expect(await until(alice, bob.id, 'unavailable')).toEqual(['unavailable']);
    await cluster.nats.start();
    await until(alice, bob.id, 'routed');
    await until(bob, alice.id, 'routed');
  });
});
