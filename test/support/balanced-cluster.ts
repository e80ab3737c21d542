import { once } from 'node:events';
import { connect as dial, createServer, type AddressInfo, type Socket } from 'node:net';
import type { DynamicModule } from '@nestjs/common';
import { Settings } from '../../src/settings/settings.js';
import { connect } from './client.js';
import { Cluster } from './cluster.js';
import { quiescence } from './quiesce.js';
import type { TestServer } from './server.js';

/** Starts several nodes behind one address; each connection goes to the next node. Clients must see no difference. */
export async function startBalancedCluster(
  size: number,
  variables: Record<string, string>,
  handlers: DynamicModule['imports'] | undefined,
): Promise<TestServer> {
  const cluster = await Cluster.start(size, variables, handlers);
  quiescence.reached = () => cluster.settled();
  let turn = 0;
  const balancer = createServer({ allowHalfOpen: true }, (client) => {
    const { port } = cluster.nodes[turn++ % size]!;
    join(client, dial({ port, host: '127.0.0.1', allowHalfOpen: true }));
  });
  await once(balancer.listen(0, '127.0.0.1'), 'listening');
  const { port } = balancer.address() as AddressInfo;
  const [first] = cluster.nodes;
  const url = `ws://127.0.0.1:${port}${first!.app.get(Settings).wsPath}`;
  return {
    port,
    url,
    app: first!.app,
    connect: (options) => connect(url, options),
    stop: async () => {
      quiescence.reached = undefined;
      balancer.close();
      await cluster.stop();
    },
  };
}

/** Forwards bytes, ends and resets in both directions. */
function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.setNoDelay(true);
    from.pipe(to);
    from.on('error', () => undefined);
    from.on('close', (failed) => {
      if (failed) to.destroy();
    });
  }
}
