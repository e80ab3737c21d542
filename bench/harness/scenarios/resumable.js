import { switchboard } from '../servers.js';
import { fan, idle, pairs, processorTime, quietArrivals, rate } from './scenario.js';

const asked = switchboard({ title: 'Switchboard, resumable sessions', load: ['--path', '/wss', '--resume'] });
/** The same server; its sessions end with their connections, because no client asks for more. */
const plain = switchboard({ name: 'switchboard-plain', title: 'Switchboard, other sessions' });
const both = [asked, plain];

/** Cost of resumable sessions beside others, and their return. @type {import('./scenario.js').Scenario[]} */
export const resumable = [
  {
    ...rate,
    name: 'pp8r',
    title: 'pp8 with resumable sessions',
    servers: both,
    // The messages of the two sessions of a pair begin as bursts of 8, and after a time most travel as one burst of 16, which
    // takes half the system calls. A shorter run measures when that happens.
    warm: 30,
    load: [...pairs, '--window', '8', '--size', '100'],
    targets: { 'switchboard-plain': 0.85 },
    also: processorTime('pp8r'),
  },
  {
    ...rate,
    name: 'fanr',
    title: 'fan with resumable sessions',
    unit: 'deliveries/s',
    servers: both,
    load: fan,
    targets: { 'switchboard-plain': 0.9 },
    also: processorTime('fanr'),
  },
  {
    name: 'return',
    title: '2,000 sessions cut at once under traffic, until all are back and have every message',
    unit: 's',
    lowerIsBetter: true,
    result: 'return_s',
    servers: [asked],
    // Eight messages of each session are on their way when the connections are cut, and 5,000 a second go on.
    load: ['--scenario', 'comeback', '--pairs', '1000', '--window', '8', '--rate', '5000', '--size', '100'],
    env: quietArrivals,
    targets: {},
  },
  {
    ...idle(19_000),
    name: 'idler',
    title: 'memory of one of 19,000 idle resumable sessions',
    servers: both,
    // 400 bytes, in the unit of the memory scenarios, which is 1,024 bytes. The difference is small, so all rounds count.
    mostMore: { 'switchboard-plain': 0.39 },
    rounds: 5,
  },
];
