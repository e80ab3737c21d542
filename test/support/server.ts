import type { DynamicModule, INestApplication } from '@nestjs/common';
import type { ClientOptions } from 'ws';
import { HandlersModule } from '../../src/handlers/handlers.module.js';
import { startTestServer } from '../../src/testing/start.js';
import { connect, type Client } from './client.js';
import type { FrontName } from './proxied-server.js';

export { LIMITS_OFF } from '../../src/testing/test-settings.js';

/** Settings of a node that a test does not set. Tests of tokens have a secret of their own. */
const NODE_SETTINGS = { LOG_LEVEL: 'error', AUTH: 'off', AUTH_SECRET: '' };

export interface TestServer {
  readonly port: number;
  /** `ws://127.0.0.1:PORT/wss` */
  readonly url: string;
  readonly app: INestApplication;
  /** Opens a session; `next(type)` of the client waits for a message. */
  connect(options?: ClientOptions & { protocols?: string[] }): Promise<Client>;
  stop(): Promise<void>;
}

/** Nodes of a server; more than one for contract tests on a cluster. */
const NODES = Number(process.env['TEST_NODES'] ?? 1);

/** The proxy in front of the server, for contract tests behind proxies. Not set: none. */
const FRONT = process.env['TEST_FRONT'] as FrontName | undefined;

/**
 * Starts the real application on a free port, on TEST_NODES nodes, or behind a proxy (TEST_FRONT).
 *
 * @param variables settings as in the environment
 * @param handlers modules that replace those in `src/handlers/`
 */
export async function startServer(
  variables: Record<string, string> = {},
  handlers?: DynamicModule['imports'],
): Promise<TestServer> {
  if (FRONT !== undefined) {
    const { startProxied } = await import('./proxied-server.js');
    return startProxied(FRONT, variables, handlers);
  }
  if (NODES === 1) return startNode(variables, handlers);
  const { startBalancedCluster } = await import('./balanced-cluster.js');
  return startBalancedCluster(NODES, variables, handlers);
}

/** Starts one node on a free port. */
export async function startNode(
  variables: Record<string, string> = {},
  handlers?: DynamicModule['imports'],
): Promise<TestServer> {
  const { port, url, app } = await startTestServer({
    imports: handlers ?? [HandlersModule],
    variables: { ...NODE_SETTINGS, ...variables },
    log: 'printed',
  });
  return {
    port,
    url,
    app,
    connect: (options) => connect(url, options),
    stop: () => app.close(),
  };
}
