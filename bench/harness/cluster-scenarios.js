import { clusterServers } from './cluster-servers.js';

/** Loads of two nodes; each pair has one session on each. */
export const clusterLoads = {
  cross8: ['--scenario', 'pingpong', '--pairs', '100', '--window', '8', '--size', '100'],
  cross1: ['--scenario', 'pingpong', '--pairs', '100', '--window', '1', '--size', '100'],
  crossfan: ['--scenario', 'fanout', '--conns', '1000', '--window', '1', '--size', '100'],
};

const titles = {
  cross8: 'pp8 between two nodes: processor time of all processes for each message',
  cross1: 'pp1 between two nodes: processor time of all processes for each message',
  crossfan: 'fan with its receivers on two nodes: processor time of all processes for each delivery',
};

/** @type {Record<string, Record<string, number>>} */
const targets = { cross8: { 'socketio-redis': 8 } };

/** @type {import('./scenarios.js').Scenario[]} */
export const clusterScenarios = Object.entries(clusterLoads).map(([name, load]) => ({
  name,
  title: titles[name],
  unit: 'µs',
  lowerIsBetter: true,
  result: 'cpu_us',
  servers: clusterServers,
  load,
  // The peers send no arrival notices.
  env: { ARRIVAL_NOTICES: 'off' },
  targets: targets[name] ?? {},
}));
