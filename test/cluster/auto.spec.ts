import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { connect } from '../support/client.js';
import { NatsServer } from '../support/nats.js';
import { startNode, type TestServer } from '../support/server.js';

describe('a node with BACKPLANE=auto', () => {
  const nodes: TestServer[] = [];
  let nats: NatsServer | undefined;

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()));
    await nats?.stop();
    nats = undefined;
  });

  async function start(url: string): Promise<TestServer> {
    const node = await startNode({
      BACKPLANE: 'auto',
      NATS_URL: url,
      NODE_TIMEOUT_MS: '2000',
      BACKPLANE_TIMEOUT_MS: '1000',
    });
    nodes.push(node);
    return node;
  }

  it('joins the cluster where the host of NATS_URL resolves', async () => {
    nats = await NatsServer.start();
    const url = `nats://localhost:${nats.port}`;
    const [one, other] = [await start(url), await start(url)];
    const [alice, bob] = [await connect(one.url), await connect(other.url)];
    bob.send({ type: 'hello', receiver: alice.id, id: '1' });
    expect(await alice.next('hello')).toMatchObject({ sender: bob.id });
    expect(await bob.answer('1')).toMatchObject({ data: { status: 'routed' } });
  });

  it('is standalone and ready where the host does not resolve', async () => {
    const node = await start('nats://nobody.invalid:4222');
    const [alice, bob] = [await connect(node.url), await connect(node.url)];
    const origin = `http://127.0.0.1:${node.port}`;
    alice.send({ type: 'hello', receiver: '*', id: '1' });
    expect(await alice.answer('1')).toMatchObject({ data: { status: 'accepted' } });
    await bob.next('hello');
    alice.send({ type: 'hello', receiver: `AAAAAAAA.${'A'.repeat(16)}`, id: '2' });
    expect(await alice.answer('2')).toMatchObject({ data: { code: 'receiver_not_found' } });
    expect((await ask(`${origin}/health/ready`)).status).toBe(200);
  });

  it('is disconnected, not standalone, where the host resolves and NATS does not answer', async () => {
    nats = await NatsServer.start();
    await nats.stop();
    const node = await start(`nats://localhost:${nats.port}`);
    const alice = await connect(node.url);
    alice.send({ type: 'hello', receiver: `AAAAAAAA.${'A'.repeat(16)}`, id: '1' });
    expect(await alice.answer('1')).toMatchObject({ data: { code: 'unavailable' } });
    while ((await ask(`http://127.0.0.1:${node.port}/health/ready`)).status !== 503);
  });
});
