/** `npm run bench:protections`: the cost of each protection that is on by default. See README.md in this folder. */
import { writeFileSync } from 'node:fs';
import { startCompanion, YIELDING } from './harness/companion-process.js';
import { measure } from './harness/measure.js';
import { machineText, projectText } from './harness/machine.js';
import { benchDir } from './harness/paths.js';
import { prepare } from './harness/prepare.js';
import { spread } from './harness/samples.js';
import { choose } from './harness/scenarios.js';
import { servers } from './harness/servers.js';

const ROUNDS = positive(process.argv[2], 5);
const SECONDS = positive(process.argv[3], 2);
const PAIR_SECONDS = 4 * SECONDS;
const switchboard = servers.find(({ name }) => name === 'switchboard');

const withoutUtf8Check = { NODE_OPTIONS: `--import=${benchDir}harness/no-utf8-check.js` };
/** Text that is not ASCII in every message, because only such text needs a check of UTF-8. */
const nonAsciiText = ['--tricky'];

/** Changed settings or loads, each measured against the default server or another variant. */
const variants = {
  default: {},
  'every rate limit on, none reached': {
    env: {
      MESSAGES_PER_SECOND: '1000000',
      BYTES_PER_SECOND: '1000000000',
      BROADCAST_RECEIVERS_PER_SECOND: '1000000000',
      FAULTS_PER_MINUTE: '60',
      REFUSALS_PER_MINUTE: '5000',
      MAX_CONNECTIONS: '10000',
      MAX_CONNECTIONS_PER_ADDRESS: '10000',
      HANDSHAKES_PER_SECOND: '10000',
    },
  },
  'HEARTBEAT_MS=1000 (25 times as many pings)': { env: { HEARTBEAT_MS: '1000' } },
  'ARRIVAL_NOTICES=off': { env: { ARRIVAL_NOTICES: 'off' } },
  'NOTICE_SCOPE=none': { env: { NOTICE_SCOPE: 'none' } },
  'NOTICE_SCOPE=peers': { env: { NOTICE_SCOPE: 'peers' } },
  'MEMORY_BUDGET_BYTES=0': { env: { MEMORY_BUDGET_BYTES: '0' } },
  'FRAME_TIMEOUT_MS=0': { env: { FRAME_TIMEOUT_MS: '0' } },
  'FAST_LANE=off (every frame through ws)': { env: { FAST_LANE: 'off' } },
  'messages with text that is not ASCII': { load: nonAsciiText },
  'the same, without the check of UTF-8': {
    load: nonAsciiText,
    env: withoutUtf8Check,
    against: 'messages with text that is not ASCII',
  },
};

prepare({ project: true, build: true });
const [pp8] = choose({ only: ['pp8'] });
const lines = [
  '# Cost of protections',
  '',
  `Written by \`npm run bench:protections\`. ${machineText()}; Node ${process.version}; Switchboard ${projectText()}.`,
  '',
  `pp8, ${ROUNDS} rounds of ${SECONDS} s. A ratio above 1 is the gain without that protection.`,
  '',
  '| variant | against | ratio, median (least–most) |',
  '| --- | --- | --- |',
  ...(await costs()),
  '',
  'The check of JSON and of the envelope cannot be removed, because the same pass over the bytes finds the receiver.',
  'The cost of that pass is in [ADR 0004](../docs/adr/0004-fast-path-and-slow-path.md). The count of buffered bytes cannot be',
  'removed either; it is one comparison for each write.',
  '',
  ...(await stalledReaders()),
];
if (process.argv.length === 2) writeFileSync(`${benchDir}PROTECTIONS.md`, `${lines.join('\n')}\n`);
console.log(lines.join('\n'));

async function costs() {
  const values = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, { env, load = [] }] of Object.entries(variants)) {
      const scenario = { ...pp8, load: [...pp8.load, ...load], env: { ...pp8.env, ...env } };
      values[name].push((await measure(scenario, switchboard, { node: process.execPath, seconds: SECONDS })).value);
    }
  return Object.entries(values).map(([name, figures]) => {
    const against = variants[name].against ?? 'default';
    const { median, min, max } = spread(figures.map((value, round) => value / values[against][round]));
    return `| ${name} | ${against} | ${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)}) |`;
  });
}

/** Compares each flood with stalled readers to the same flood with normal readers. */
async function stalledReaders() {
  const rows = [`| no flood | | ${await pairP99()} |`];
  for (const kind of ['broadcast', 'direct'])
    for (const readers of ['reading', 'stalled']) {
      const p99 = await pairP99([`${benchDir}stalled.js`, readers, kind]);
      rows.push(`| ${kind} | ${readers} | ${p99} |`);
    }
  return [
    `Round-trip p99 of a normal pair, 100 messages a second for ${PAIR_SECONDS} s, during a flood of 16 KiB messages to 100`,
    'other sessions that read or have stopped reading. The flood is 100 broadcasts a second, which reach the pair too, or',
    '1,000 direct messages a second, which do not.',
    '',
    '| flood | 100 other sessions | p99, µs |',
    '| --- | --- | --- |',
    ...rows,
  ];
}

/** @param {string[]} [flood] script and arguments; the port is inserted as the first argument */
async function pairP99(flood) {
  const server = await switchboard.start({ node: process.execPath, env: { SLOW_CONSUMER_MS: '60000' } });
  const pair = startCompanion([`${benchDir}attacks/normal-pair.js`, `${server.ports[0]}`, `${PAIR_SECONDS}`]);
  try {
    await pair.ask(); // warm-up
    if (flood === undefined) return await pair.ask();
    const [script, ...args] = flood;
    const flooding = startCompanion([script, `${server.ports[0]}`, ...args], YIELDING);
    try {
      await flooding.line();
      return await pair.ask();
    } finally {
      await flooding.stop();
    }
  } finally {
    await pair.stop();
    await server.stop();
  }
}

/** A short run: `npm run bench:protections -- ROUNDS SECONDS`. */
function positive(text, otherwise) {
  return Number(text) > 0 ? Number(text) : otherwise;
}
