import { withTls } from '../certificates.js';
import { behindNginx } from '../front.js';
import { node20 } from '../paths.js';
import { named, nodeServer, peer, switchboard } from '../servers.js';
import { cost, fan, idle, lone, pairs } from './scenario.js';

/** Switchboard as `docker compose up` starts it, and each peer as its documentation says: behind nginx over TCP. */
const all = [
  switchboard({ unix: true }),
  switchboard({ name: 'switchboard-tcp', title: 'Switchboard over TCP' }),
  ...named('plain-ws'),
  nodeServer({ name: 'plain-ws-unix', title: 'plain ws over a Unix socket', script: peer('plain-ws.js'), unix: true }),
  ...named('uws-corked'),
  nodeServer({
    name: 'uws-corked-unix',
    title: 'uWebSockets.js corked over a Unix socket',
    script: peer('uws-corked.js'),
    node: node20,
    unix: true,
  }),
  ...named('nest-validation', 'socketio'),
].map((server) => behindNginx(server));

const front = (...names) => all.filter(({ name }) => names.includes(name));
/** Servers that are measured over both kinds of sockets. */
const both = front('switchboard', 'switchboard-tcp', 'plain-ws', 'plain-ws-unix', 'uws-corked', 'uws-corked-unix');
const few = front('switchboard', 'plain-ws', 'uws-corked');
const ownTls = named('switchboard', 'plain-ws').map(withTls);

/** From client to client through TLS and nginx. @type {import('./scenario.js').Scenario[]} */
export const wholeWay = [
  {
    ...cost,
    name: 'wss8',
    title: '100 pairs, 8 messages in flight each way: processor time of a message',
    servers: all,
    load: [...pairs, '--window', '8', '--size', '100'],
    targets: { 'plain-ws': 6, 'uws-corked': 3 },
  },
  {
    ...cost,
    name: 'wss1',
    title: 'as wss8 with 1 message in flight each way',
    servers: both,
    load: [...pairs, '--window', '1', '--size', '100'],
    targets: { 'plain-ws': 2, 'uws-corked': 2 },
  },
  {
    ...cost,
    name: 'wss4k',
    title: 'as wss8 with 4,096 bytes of data',
    servers: few,
    load: [...pairs, '--window', '8', '--size', '4096'],
  },
  {
    ...cost,
    name: 'wssfan',
    title: 'one sender, 1,000 receivers: processor time of a delivery',
    servers: few,
    load: fan,
  },
  {
    ...lone,
    name: 'wsslone',
    title: 'one message in flight in all: p50 latency',
    servers: few,
    targets: { 'plain-ws': 1 },
    also: { name: 'wsslone99', title: 'as wsslone: p99 latency', result: 'p99_us' },
  },
  {
    ...idle(5_000),
    name: 'wssidle',
    servers: [...few, ...named('plain-ws-flag').map((server) => behindNginx(server))],
    targets: { 'plain-ws': 1 },
    most: 30,
  },
].map((scenario) => ({ ...scenario, needs: ['tls', 'nginx'] }));

/** Through TLS of the process itself. @type {import('./scenario.js').Scenario[]} */
export const processTls = [
  {
    ...cost,
    name: 'tls8',
    title: 'as wss8 without nginx: the process ends TLS itself',
    servers: ownTls,
    load: [...pairs, '--window', '8', '--size', '100'],
  },
  {
    ...cost,
    name: 'tls1',
    title: 'as tls8 with 1 message in flight each way',
    servers: ownTls,
    load: [...pairs, '--window', '1', '--size', '100'],
  },
].map((scenario) => ({ ...scenario, needs: ['tls'] }));
