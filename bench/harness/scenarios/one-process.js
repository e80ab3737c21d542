import { handlerServers, named } from '../servers.js';
import { tokenServers } from '../tokens.js';
import { fan, idle, lone, pairs, processorTime, quietArrivals, rate, steady } from './scenario.js';

/** The servers that are not programs of Node. */
const others = ['c-router', 'centrifugo', 'nats', 'spring', 'workerman'];
const all = named('switchboard', 'plain-ws', 'nest-validation', 'socketio', 'uws', 'uws-corked', 'c-router');
const allAndOthers = named(...all.map(({ name }) => name), ...others);
const withoutSocketIo = named('switchboard', 'plain-ws', 'nest-validation', 'uws', 'uws-corked', 'c-router');

/** Plain `ws` against itself: smaller differences are noise. @type {import('./scenario.js').Scenario} */
export const control = {
  ...rate,
  name: 'control',
  title: 'A/A control: pp8, plain ws against itself',
  servers: named('plain-ws', 'ws-again'),
  load: [...pairs, '--window', '8', '--size', '100'],
};

/** One process on the loopback, without TLS. @type {import('./scenario.js').Scenario[]} */
export const oneProcess = [
  {
    ...rate,
    name: 'pp8',
    title: '100 pairs, 8 messages in flight each way',
    servers: allAndOthers,
    load: [...pairs, '--window', '8', '--size', '100'],
    targets: { 'plain-ws': 6.5 },
    also: processorTime('pp8', { 'c-router': 0.5 }),
  },
  {
    ...rate,
    name: 'mesh',
    title: 'as pp8, each reply to a random session',
    servers: all,
    load: [...pairs, '--window', '8', '--size', '100', '--mesh'],
    targets: { 'plain-ws': 4.8 },
    also: processorTime('mesh', { 'c-router': 0.5 }),
  },
  {
    ...rate,
    name: 'pp1',
    title: '100 pairs, 1 message in flight each way',
    servers: all,
    load: [...pairs, '--window', '1', '--size', '100'],
    targets: { 'plain-ws': 1.5, 'uws-corked': 1.05 },
    also: processorTime('pp1'),
  },
  {
    ...rate,
    name: 'pp4k',
    title: 'as pp8 with 4,096 bytes of data',
    servers: withoutSocketIo,
    load: [...pairs, '--window', '8', '--size', '4096'],
    targets: { 'plain-ws': { 20: 4.5, 24: 3 } },
  },
  {
    ...rate,
    name: 'fan',
    title: 'one sender, 1,000 receivers, round after round',
    unit: 'deliveries/s',
    servers: allAndOthers,
    load: fan,
    targets: { 'plain-ws': 1.2, uws: 0.9, 'c-router': 0.9 },
    also: processorTime('fan'),
  },
  {
    ...steady,
    name: 'open10k',
    title: 'p99 latency at a fixed 10,000 messages/s',
    unit: 'µs',
    lowerIsBetter: true,
    result: 'p99_us',
    servers: named('switchboard', 'plain-ws', 'uws-corked', 'c-router'),
    load: ['--scenario', 'open', '--pairs', '100', '--rate', '10000', '--size', '100'],
    targets: { 'plain-ws': 1 },
  },
  {
    ...lone,
    name: 'lone',
    title: 'one message in flight in all: p50 latency',
    servers: named('switchboard', 'plain-ws', 'ws-again', 'uws-corked'),
    targets: { 'plain-ws': 1 },
    also: { name: 'lone99', title: 'one message in flight in all: p99 latency', result: 'p99_us' },
  },
  {
    ...rate,
    name: 'handler',
    title: "a user's handler with a DTO of its own answers",
    servers: handlerServers,
    load: ['--scenario', 'echo', '--pairs', '50', '--window', '8', '--size', '100', '--type', 'echo'],
    targets: { 'nest-validation': 2 },
  },
  {
    name: 'leave',
    title: '1,000 of 2,000 sessions cut at once, until each survivor has all the notices',
    unit: 's',
    lowerIsBetter: true,
    result: 'storm_s',
    // NATS has no departure notices, and this load has no warm-up for the compiler of the JVM.
    servers: named('switchboard', 'plain-ws', 'uws', 'c-router', 'centrifugo', 'workerman'),
    load: ['--scenario', 'leave', '--conns', '2000', '--leavers', '1000', '--hold', '0.5'],
    rounds: 3,
    env: quietArrivals,
    targets: { 'plain-ws': 30 },
  },
  {
    name: 'connects',
    title: 'connections accepted a second, up to 10,000',
    unit: 'connections/s',
    lowerIsBetter: false,
    result: 'connect_rate',
    servers: [...named('switchboard', 'plain-ws', 'uws'), ...tokenServers],
    load: ['--scenario', 'idle', '--conns', '10000', '--hold', '0'],
    env: quietArrivals,
    targets: { 'plain-ws': 1 },
  },
  // Without the JVM and programs in Go, whose resident memory shows how large they let the heap grow.
  {
    ...idle(5_000),
    name: 'idle5k',
    servers: named('switchboard', 'plain-ws', 'plain-ws-flag', 'c-router', 'workerman'),
  },
  { ...idle(10_000), name: 'idle10k', servers: named('switchboard', 'plain-ws', 'plain-ws-flag') },
  {
    ...idle(19_000),
    name: 'idle19k',
    servers: named('switchboard', 'plain-ws', 'plain-ws-flag', 'uws'),
  },
];
