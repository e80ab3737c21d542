import type { DynamicModule } from '@nestjs/common';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as dial, createServer, type AddressInfo } from 'node:net';
import { connect as dialTls } from 'node:tls';
import { Settings } from '../../src/settings/settings.js';
import { connect } from './client.js';
import { join } from './join.js';
import { startNginx } from './nginx.js';
import { LIMITS_OFF, startNode, type TestServer } from './server.js';
import { socketFolder } from './unix-socket.js';

/** A way of nginx to the application. */
export type Way = 'unix' | 'tcp';

/**
 * Starts a node behind nginx. Its address takes plain connections and adds the TLS, so that tests need no certificate.
 * Clients must see no difference to the node itself.
 */
export async function startProxied(
  way: Way,
  variables: Record<string, string>,
  handlers: DynamicModule['imports'] | undefined,
): Promise<TestServer> {
  const sockets = socketFolder();
  const listen = way === 'unix' ? { LISTEN: `unix:${sockets.path}/*.sock` } : { FRONT_PROXIES: '127.0.0.1' };
  const node = await startNode({ ...listen, ...variables }, handlers);
  const { wsPath, httpBase } = node.app.get(Settings);
  const nginx = await startNginx({
    ...(way === 'unix' ? { appSocket: sockets.path } : { appPort: node.port }),
    wsPath,
    httpBase: httpBase!,
    variables: LIMITS_OFF,
  });
  const ca = await readFile(nginx.caFile);
  const front = createServer({ allowHalfOpen: true }, (client) => {
    const socket = dial({ port: nginx.httpsPort, host: '127.0.0.1', allowHalfOpen: true });
    join(client, dialTls({ socket, servername: 'localhost', ca }));
  });
  await once(front.listen(0, '127.0.0.1'), 'listening');
  const { port } = front.address() as AddressInfo;
  const url = `ws://127.0.0.1:${port}${wsPath}`;
  return {
    port,
    url,
    app: node.app,
    connect: (options) => connect(url, options),
    stop: async () => {
      await node.stop();
      front.close();
      await nginx.stop();
      sockets.remove();
    },
  };
}
