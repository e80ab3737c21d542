import { withTls } from '../certificates.js';
import { behindNginx } from '../front.js';
import { node20 } from '../paths.js';
import { named, nodeServer, peer, switchboard } from '../servers.js';
import { cost, fan, idle, lone, pairs } from './scenario.js';

const overTcp = (...names) => named(...names).map((server) => ({ ...server, title: `${server.title}, TCP` }));
const overUnix = (name, program) => {
  const [{ title }] = named(name);
  return nodeServer({ name: `${name}-unix`, title: `${title}, Unix socket`, ...program, unix: true });
};

/** Switchboard over a Unix socket, as `docker compose up` connects it, and peers over TCP; some also the other way. */
const behind = [
  switchboard({ title: 'Switchboard, Unix socket', unix: true }),
  switchboard({ name: 'switchboard-tcp', title: 'Switchboard, TCP' }),
  ...overTcp('plain-ws'),
  overUnix('plain-ws', { script: peer('plain-ws.js') }),
  ...overTcp('ws-again', 'plain-ws-flag', 'uws-corked'),
  overUnix('uws-corked', { script: peer('uws-corked.js'), node: node20 }),
  ...overTcp('nest-validation', 'socketio'),
].map((server) => behindNginx(server));

const front = (...names) => behind.filter(({ name }) => names.includes(name));
const few = ['switchboard', 'switchboard-tcp', 'plain-ws', 'plain-ws-unix', 'uws-corked'];
const both = [...few, 'uws-corked-unix'];
const ownTls = named('switchboard', 'plain-ws').map(withTls);

/** From client to client through TLS and nginx. @type {import('./scenario.js').Scenario[]} */
export const wholeWay = [
  {
    ...cost,
    name: 'wss8',
    title: '100 pairs, 8 messages in flight each way: processor time of a message',
    servers: front(...both, 'ws-again', 'nest-validation', 'socketio'),
    load: [...pairs, '--window', '8', '--size', '100'],
    targets: { 'plain-ws': 6, 'uws-corked': 3 },
  },
  {
    ...cost,
    name: 'wss1',
    title: 'as wss8 with 1 message in flight each way',
    servers: front(...both),
    load: [...pairs, '--window', '1', '--size', '100'],
    targets: { 'plain-ws': 2, 'uws-corked': 2 },
  },
  {
    ...cost,
    name: 'wss4k',
    title: 'as wss8 with 4,096 bytes of data',
    servers: front(...few),
    load: [...pairs, '--window', '8', '--size', '4096'],
  },
  {
    ...cost,
    name: 'wssfan',
    title: 'one sender, 1,000 receivers: processor time of a delivery',
    servers: front(...few),
    load: fan,
  },
  {
    ...lone,
    name: 'wsslone',
    title: 'one message in flight in all: p50 latency',
    servers: front(...few),
    also: { name: 'wsslone99', title: 'as wsslone: p99 latency', result: 'p99_us' },
  },
  {
    ...idle(5_000),
    name: 'wssidle',
    servers: front(...few, 'plain-ws-flag'),
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
