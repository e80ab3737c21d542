import { nats, redis } from './brokers.js';
import { PeerUnavailable } from './program.js';
import { named, nodeServer, peer, switchboard } from './servers.js';

/** @typedef {import('./servers.js').Server} Server */

const NODES = ['node1', 'node2'];

const [centrifugo] = named('centrifugo');
const socketIo = nodeServer({
  name: 'socketio-redis',
  title: 'Socket.IO with Redis',
  script: peer('socketio-redis.js'),
  load: ['--mode', 'sio', '--path', '/socket.io/?EIO=4&transport=websocket'],
});

/** Returns the environment of a node of Switchboard over a NATS server of this port. */
export const overNats = (port) => ({ BACKPLANE: 'nats', NATS_URL: `nats://127.0.0.1:${port}` });

/** Describes two nodes of Switchboard over NATS. @param {Parameters<typeof switchboard>[0]} [changes] to the default node */
export function switchboardCluster(changes) {
  const node = switchboard(changes);
  return { ...clusterOf(node, nats, overNats), ofBuild: (root) => switchboardCluster({ ...changes, root }) };
}

/** The servers of the scenarios between nodes. @type {Server[]} */
export const clusterServers = [
  switchboardCluster(),
  withoutCluster({ name: 'plain-ws', title: 'plain ws' }),
  clusterOf(socketIo, redis, (port) => ({ REDIS_URL: `redis://127.0.0.1:${port}` })),
  clusterOf({ ...centrifugo, name: 'centrifugo-nats', title: `${centrifugo.title} over NATS` }, nats, (port) => ({
    CENTRIFUGO_BROKER_ENABLED: 'true',
    CENTRIFUGO_BROKER_TYPE: 'nats',
    CENTRIFUGO_BROKER_NATS_URL: `nats://127.0.0.1:${port}`,
  })),
];

/**
 * Describes a server of two nodes and of the broker between them. The generator opens half of its sessions on each node.
 *
 * @param {Server} node one node
 * @param {Pick<Server, 'name' | 'build' | 'start'>} broker
 * @param {(port: number) => Record<string, string>} reach the environment of a node whose broker has this port
 * @returns {Server}
 */
function clusterOf(node, broker, reach) {
  const build = () => {
    broker.build();
    return node.build?.();
  };
  const start = async (context) => {
    const started = [];
    const stop = () => Promise.all(started.map((part) => part.stop()));
    const begin = async (part, env) => {
      started.push(await part.start({ ...context, env: { ...context.env, ...env } }));
      return started.at(-1);
    };
    try {
      const carrier = await begin(broker);
      const processes = {};
      const ports = [];
      for (const name of NODES) {
        const one = await begin(node, reach(carrier.ports[0]));
        processes[name] = one.processes.app;
        ports.push(...one.ports);
      }
      const stderr = () => started.map((part) => part.stderr()).join('');
      return { ports, processes: { ...processes, ...carrier.processes }, stderr, stop };
    } catch (error) {
      await stop();
      throw error;
    }
  };
  return { ...node, build, start };
}

/** Describes a server that cannot be one of several nodes. @returns {Server} */
function withoutCluster({ name, title }) {
  const start = () => Promise.reject(new PeerUnavailable('it has no cluster'));
  return { name, title, start };
}
