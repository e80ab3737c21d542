import { once } from 'node:events';
import { connect as dial, createServer, type AddressInfo } from 'node:net';
import type { DynamicModule } from '@nestjs/common';
import { Settings } from '../../src/settings/settings.js';
import { connect } from './client.js';
import { Cluster } from './cluster.js';
import { join } from './join.js';
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
