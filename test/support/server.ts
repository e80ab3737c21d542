import type { DynamicModule, INestApplication } from '@nestjs/common';
import type { ClientOptions } from 'ws';
import { createApp, startApp } from '../../src/standalone/app.js';
import { Settings } from '../../src/settings/settings.js';
import { connect, type Client } from './client.js';

export interface TestServer {
  readonly port: number;
  /** `ws://127.0.0.1:PORT/wss` */
  readonly url: string;
  readonly app: INestApplication;
  /** Opens a session; `next(type)` of the client waits for a message. */
  connect(options?: ClientOptions & { protocols?: string[] }): Promise<Client>;
  stop(): Promise<void>;
}

/** Limits are off, because all clients of a test have one address; tests of a limit set it. */
export const LIMITS_OFF = {
  MAX_CONNECTIONS_PER_ADDRESS: '0',
  HANDSHAKES_PER_SECOND: '0',
  REQUESTS_PER_SECOND: '0',
  MESSAGES_PER_SECOND: '0',
  BYTES_PER_SECOND: '0',
  BROADCAST_RECEIVERS_PER_SECOND: '0',
  FAULTS_PER_MINUTE: '0',
  REFUSALS_PER_MINUTE: '0',
};

/** Nodes of a server; more than one for contract tests on a cluster. */
const NODES = Number(process.env['TEST_NODES'] ?? 1);

/**
 * Starts the real application on a free port, on TEST_NODES nodes.
 *
 * @param variables settings as in the environment
 * @param handlers modules that replace those in `src/handlers/`
 */
export async function startServer(
  variables: Record<string, string> = {},
  handlers?: DynamicModule['imports'],
): Promise<TestServer> {
  if (NODES === 1) return startNode(variables, handlers);
  const { startBalancedCluster } = await import('./balanced-cluster.js');
  return startBalancedCluster(NODES, variables, handlers);
}

/** Starts one node on a free port. */
export async function startNode(
  variables: Record<string, string> = {},
  handlers?: DynamicModule['imports'],
): Promise<TestServer> {
  const app = await createApp({
    variables: { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', ...LIMITS_OFF, ...variables },
    ...(handlers && { handlers }),
  });
  const port = await startApp(app);
  const url = `${variables['TLS_CERT_FILE'] ? 'wss' : 'ws'}://127.0.0.1:${port}${app.get(Settings).wsPath}`;
  return {
    port,
    url,
    app,
    connect: (options) => connect(url, options),
    stop: () => app.close(),
  };
}
