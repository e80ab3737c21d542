import type { DynamicModule } from '@nestjs/common';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as dial, createServer, type AddressInfo, type Server } from 'node:net';
import { join as pathOf } from 'node:path';
import { connect as dialTls } from 'node:tls';
import { startApache } from './apache.js';
import { startCaddy } from './caddy.js';
import { connect } from './client.js';
import type { Front } from './front.js';
import { startHaproxy } from './haproxy.js';
import { join } from './join.js';
import { startNginx } from './nginx.js';
import { freePorts } from './ports.js';
import { LIMITS_OFF, startNode, type TestServer } from './server.js';
import { socketFolder } from './unix-socket.js';

/** Where the application listens for its proxy: a TCP port of 127.0.0.1, and the path of a Unix socket. */
interface Listener {
  readonly port: number;
  readonly socket: string;
}

const NO_LIMITS = { variables: LIMITS_OFF };

/** The proxies, and their ways to the application. */
const FRONTS = {
  'nginx, unix': ({ socket }: Listener, paths: Paths) => startNginx({ appSocket: socket, ...paths, ...NO_LIMITS }),
  'nginx, tcp': ({ port }: Listener, paths: Paths) => startNginx({ appPort: port, ...paths, ...NO_LIMITS }),
  Apache: ({ port }: Listener) => startApache(port),
  HAProxy: ({ socket }: Listener) => startHaproxy([socket]),
  Caddy: ({ socket }: Listener) => startCaddy([socket]),
} satisfies Record<string, (listener: Listener, paths: Paths) => Promise<Front>>;

export type FrontName = keyof typeof FRONTS;

interface Paths {
  readonly wsPath: string;
  readonly httpBase: string;
}

/** An address for applications, one after the other, and the proxy in front of it. */
interface Place {
  readonly key: string;
  readonly listener: Listener;
  /** Starts the proxy, where it does not run. Returns a port that takes plain connections and adds the TLS. */
  open(): Promise<number>;
  stop(): Promise<void>;
}

/** Places that no application uses now. */
const free: Place[] = [];

/**
 * Starts a node behind a proxy, in a place that is free where there is one: most of a test would be the start of the
 * proxy. Clients must see no difference to the node itself.
 */
export async function startProxied(
  name: FrontName,
  variables: Record<string, string>,
  handlers: DynamicModule['imports'] | undefined,
): Promise<TestServer> {
  const paths = { wsPath: variables['WS_PATH'] ?? '/wss', httpBase: variables['HTTP_BASE'] ?? '/' };
  const place = await takePlace(name, paths);
  const { port: appPort, socket } = place.listener;
  const address = { PORT: String(appPort), LISTEN: `unix:${socket}`, FRONT_PROXIES: '127.0.0.1' };
  const node = await startNode({ ...address, ...variables }, handlers);
  const port = await place.open(); // after the application, because nginx lists the sockets that exist at its start
  const url = `ws://127.0.0.1:${port}${paths.wsPath}`;
  return {
    port,
    url,
    app: node.app,
    connect: (options) => connect(url, options),
    stop: async () => {
      await node.stop();
      free.push(place);
    },
  };
}

/** Stops the proxies of all free places. */
export async function stopFronts(): Promise<void> {
  await Promise.all(free.splice(0).map((place) => place.stop()));
}

async function takePlace(name: FrontName, paths: Paths): Promise<Place> {
  const key = JSON.stringify([name, paths]);
  const index = free.findIndex((place) => place.key === key);
  if (index !== -1) return free.splice(index, 1)[0]!;
  const sockets = socketFolder();
  const [port] = await freePorts();
  const listener = { port, socket: pathOf(sockets.path, '0.sock') };
  let front: Front | undefined;
  let relay: Server | undefined;
  return {
    key,
    listener,
    open: async () => {
      front ??= await FRONTS[name](listener, paths);
      relay ??= await startRelay(front);
      return (relay.address() as AddressInfo).port;
    },
    stop: async () => {
      relay?.close();
      await front?.stop();
      sockets.remove();
    },
  };
}

/** Starts a server that takes plain connections and adds the TLS, so that tests need no certificate. */
async function startRelay({ url, caFile }: Front): Promise<Server> {
  const ca = await readFile(caFile);
  const relay = createServer({ allowHalfOpen: true }, (client) => {
    const socket = dial({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
    join(client, dialTls({ socket, servername: 'localhost', ca }));
  });
  await once(relay.listen(0, '127.0.0.1'), 'listening');
  return relay;
}
