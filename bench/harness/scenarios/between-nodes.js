import { clusterServers } from '../cluster-servers.js';
import { cost, fan, pairs, quietArrivals } from './scenario.js';

const cluster = { ...cost, servers: clusterServers, env: quietArrivals };

/** From a session of one node to a session of the other. @type {import('./scenario.js').Scenario[]} */
export const betweenNodes = [
  {
    ...cluster,
    name: 'cross8',
    title: 'as pp8, each pair on two nodes: processor time of a message',
    load: [...pairs, '--window', '8', '--size', '100'],
    targets: { 'socketio-redis': 8, 'centrifugo-nats': 3 },
  },
  {
    ...cluster,
    name: 'cross1',
    title: 'as cross8 with 1 message in flight each way',
    load: [...pairs, '--window', '1', '--size', '100'],
  },
  {
    ...cluster,
    name: 'crossfan',
    title: 'one sender, 1,000 receivers on two nodes: processor time of a delivery',
    load: fan,
  },
];

/** The loads of these scenarios by name. */
export const loads = Object.fromEntries(betweenNodes.map(({ name, load }) => [name, load]));
