import { clusterScenarios } from './cluster-scenarios.js';
import { handlerServers, servers, withBase } from './servers.js';

/**
 * @typedef {object} Scenario
 * @property {string} name as in `--only`
 * @property {string} title
 * @property {string} unit
 * @property {boolean} lowerIsBetter
 * @property {import('./servers.js').Server[]} servers
 * @property {string[]} load flags of the generator
 * @property {string} result the measured field of the generator's output
 * @property {Record<string, number>} targets the least ratio against a server; above 1 means better
 * @property {number} [most] the largest accepted result of Switchboard
 * @property {Record<string, string>} [env] of every server
 * @property {Partial<Scenario>} [also] a second field of the same output, with a name of its own
 */

const named = (...names) => servers.filter(({ name }) => names.includes(name));
const all = named('switchboard', 'plain-ws', 'nest-validation', 'socketio', 'uws', 'uws-corked');
const withoutSocketIo = named('switchboard', 'plain-ws', 'nest-validation', 'uws', 'uws-corked');

const rate = { unit: 'messages/s', lowerIsBetter: false, result: 'rate', targets: {} };
const pairs = ['--scenario', 'pingpong', '--pairs', '100'];
/** The peers send no arrival notices, and the cost of arrival notices is the square of the number of connections. */
const quietArrivals = { ARRIVAL_NOTICES: 'off' };

/** Measured after every session has answered two heartbeats, so that memory kept by heartbeats counts. */
const idle = (sessions, ...names) => ({
  name: `idle${sessions / 1000}k`,
  title: `memory of one of ${sessions.toLocaleString('en')} idle sessions`,
  unit: 'kB',
  lowerIsBetter: true,
  result: 'kb_per_conn',
  servers: named(...names),
  load: ['--scenario', 'idle', '--conns', `${sessions}`, '--hold', '5'],
  env: { ...quietArrivals, HEARTBEAT_MS: '2000' },
  targets: {},
});

/** @type {Scenario[]} */
export const scenarios = [
  {
    ...rate,
    name: 'control',
    title: 'A/A control: pp8, plain ws against itself',
    servers: named('plain-ws', 'ws-again'),
    load: [...pairs, '--window', '8', '--size', '100'],
  },
  {
    ...rate,
    name: 'pp8',
    title: '100 pairs, 8 messages in flight each way',
    servers: all,
    load: [...pairs, '--window', '8', '--size', '100'],
    targets: { 'plain-ws': 5.5, 'uws-corked': 1.7 },
  },
  {
    ...rate,
    name: 'mesh',
    title: 'as pp8, each reply to a random session',
    servers: all,
    load: [...pairs, '--window', '8', '--size', '100', '--mesh'],
    targets: { 'plain-ws': 4.2, 'uws-corked': 1.2 },
  },
  {
    ...rate,
    name: 'pp1',
    title: '100 pairs, 1 message in flight each way',
    servers: all,
    load: [...pairs, '--window', '1', '--size', '100'],
    targets: { 'plain-ws': 2.2, 'uws-corked': 0.95 },
  },
  {
    ...rate,
    name: 'pp4k',
    title: 'as pp8 with 4,096 bytes of data',
    servers: withoutSocketIo,
    load: [...pairs, '--window', '8', '--size', '4096'],
    targets: { 'plain-ws': 3, uws: 2.5 },
  },
  {
    ...rate,
    name: 'fan',
    title: 'one sender, 1,000 receivers, round after round',
    unit: 'deliveries/s',
    servers: all,
    load: ['--scenario', 'fanout', '--conns', '1000', '--window', '1', '--size', '100'],
    targets: { 'plain-ws': 1.3, uws: 0.75 },
  },
  {
    name: 'open10k',
    title: 'p99 latency at a fixed 10,000 messages/s',
    unit: 'µs',
    lowerIsBetter: true,
    result: 'p99_us',
    servers: named('switchboard', 'plain-ws', 'uws', 'uws-corked'),
    load: ['--scenario', 'open', '--pairs', '100', '--rate', '10000', '--size', '100'],
    targets: { 'plain-ws': 2, 'uws-corked': 1 },
  },
  {
    name: 'lone',
    title: 'two sessions, one message in flight each way, no other load: p50',
    unit: 'µs',
    lowerIsBetter: true,
    result: 'p50_us',
    servers: named('switchboard', 'plain-ws'),
    load: ['--scenario', 'pingpong', '--pairs', '1', '--window', '1', '--size', '100'],
    targets: {},
    also: { name: 'lone99', title: 'as lone: p99', result: 'p99_us' },
  },
  {
    ...rate,
    name: 'handler',
    title: "a user's handler with a DTO of its own answers",
    servers: handlerServers,
    load: ['--scenario', 'echo', '--pairs', '50', '--window', '8', '--size', '100', '--type', 'echo'],
    targets: { 'nest-validation': 1.3 },
  },
  ...clusterScenarios,
  {
    name: 'leave',
    title: '1,000 of 2,000 sessions cut at once, until each survivor has all the notices',
    unit: 's',
    lowerIsBetter: true,
    result: 'storm_s',
    servers: named('switchboard', 'plain-ws', 'uws'),
    load: ['--scenario', 'leave', '--conns', '2000', '--leavers', '1000', '--hold', '0.5'],
    env: quietArrivals,
    targets: { 'plain-ws': 25, uws: 1.5 },
  },
  {
    name: 'connects',
    title: 'connections accepted a second, up to 10,000',
    unit: 'connections/s',
    lowerIsBetter: false,
    result: 'connect_rate',
    servers: named('switchboard', 'plain-ws', 'uws'),
    load: ['--scenario', 'idle', '--conns', '10000', '--hold', '0'],
    env: quietArrivals,
    targets: { 'plain-ws': 0.9 },
  },
  idle(5_000, 'switchboard'),
  idle(10_000, 'switchboard'),
  { ...idle(19_000, 'switchboard', 'plain-ws', 'uws'), targets: { 'plain-ws': 0.91 }, most: 6.5 },
];

const quick = ['control', 'pp8', 'mesh', 'pp1', 'fan', 'lone', 'handler'];
const quickPeers = ['switchboard', 'plain-ws', 'ws-again', 'uws-corked', 'nest-validation'];
/** Scenarios of the run on the newer Node. */
const second = ['control', 'pp8', 'mesh', 'pp1', 'pp4k', 'fan', 'lone', 'handler', 'leave', 'idle19k'];
/** Peers of that run; more would exceed the time, and uWebSockets.js has no binary for that Node. */
const secondPeers = ['switchboard', 'plain-ws', 'ws-again'];
/** Seconds of a round in that run, because the complete run must end within 15 minutes. */
export const SECOND_NODE_SECONDS = 1;

/** Selects the scenarios of a run, each with its servers. @param {import('./options.js').Options} options */
export function choose(options) {
  const { base } = options;
  const names = options.only ?? (options.quick ? quick : scenarios.map(({ name }) => name));
  const known = [...new Set(scenarios.flatMap(({ servers: all }) => all.map(({ name }) => name)))];
  const peers = options.peers ?? (options.quick ? quickPeers : known);
  requireKnown(names, ['idle', ...scenarios.map(({ name }) => name)]);
  requireKnown(peers, known);
  return scenarios
    .filter(({ name }) => names.includes(name) || (name.startsWith('idle') && names.includes('idle')))
    .map((scenario) => ({ ...scenario, servers: scenario.servers.filter(({ name }) => peers.includes(name)) }))
    .map((scenario) => (base ? { ...scenario, servers: withBase(scenario.servers, base) } : scenario))
    .filter((scenario) => scenario.servers.length > 0);
}

/** Selects the scenarios for the second Node. */
export function forSecondNode(chosen) {
  const peersOf = ({ name, servers: chosenServers }) => {
    const more = { pp8: 'uws-corked', handler: 'nest-validation' }[name];
    return chosenServers.filter((server) => secondPeers.includes(server.name) || server.name === more);
  };
  return chosen
    .filter(({ name }) => second.includes(name))
    .map((scenario) => ({ ...scenario, servers: peersOf(scenario) }));
}

function requireKnown(names, known) {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  console.error(`bench: unknown ${unknown.join(', ')}; use ${known.join(', ')}`);
  process.exit(2);
}
