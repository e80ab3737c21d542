import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { DelayProxy } from '../support/delay-proxy.js';

let cluster: Cluster;
let proxy: DelayProxy;
afterEach(async () => {
  await cluster.stop();
  await proxy.stop();
});

const TIMEOUT_MS = 800;
const QUICK = { NODE_TIMEOUT_MS: '5000', BACKPLANE_TIMEOUT_MS: String(TIMEOUT_MS), NOTICE_SCOPE: 'all' };

describe('a steady delay between nodes', () => {
  it.each([
    [0.15, 'routed', 1],
    [0.7, 'unavailable', 0],
  ])('of %d of the timeout: a message is %s, and is delivered %d times', async (share, outcome, deliveries) => {
    cluster = await Cluster.start(1, QUICK);
    proxy = await DelayProxy.start(cluster.nats.port);
    proxy.delayMs = TIMEOUT_MS * share;
    await cluster.add({ NATS_URL: `nats://127.0.0.1:${proxy.port}` });
    const [ann, bob] = await Promise.all([connect(cluster.url(0)), connect(cluster.url(1))]);
    // Both nodes list all sessions, so that both have received a message of the other one.
    for (const client of [ann, bob])
      for (let total = 0; total !== 2;) {
        client.send({ type: 'sys.who', id: 'who' });
        ({ total } = (await client.answer('who')).data as { total: number });
      }
    // A round trip, and the timeout of a message that is sent before.
    bob.send({ type: 'early', receiver: ann.id, id: 'early' });
    await bob.answer('early');
    for (const id of ['m1', 'm2']) {
      ann.send({ type: id, receiver: bob.id, id });
      const { data } = await ann.answer(id);
      const { status, code } = data as { status?: string; code?: string };
      expect(status ?? code).toBe(outcome);
    }
    // Messages between the nodes are in order, so that a late delivery precedes the departure.
    await ann.close(1000);
    await bob.next('sys.departed');
    expect(bob.inbox.filter(({ type }) => type.startsWith('m'))).toHaveLength(deliveries * 2);
  });
});
