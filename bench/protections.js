/** `npm run bench:protections`: what the protections cost that are on by default. See README.md beside this file. */
import { writeFileSync } from 'node:fs';
import { startBeside, YIELDING } from './harness/beside.js';
import { measure } from './harness/measure.js';
import { machineText, projectText } from './harness/machine.js';
import { benchDir } from './harness/paths.js';
import { prepare } from './harness/prepare.js';
import { spread } from './harness/samples.js';
import { choose } from './harness/scenarios.js';
import { startServer } from './harness/server-process.js';
import { servers } from './harness/servers.js';

const ROUNDS = positive(process.argv[2], 5);
const SECONDS = positive(process.argv[3], 2);
const CALM_SECONDS = 4 * SECONDS;
const switchboard = servers.find(({ name }) => name === 'switchboard');

const withoutUtf8Check = { NODE_OPTIONS: `--import=${benchDir}harness/no-utf8-check.js` };
/** Text that is not ASCII in every message: only such text costs a check of its own. */
const foreignText = ['--tricky'];

/** What is switched, and what it is measured against: the server as it is measured elsewhere, or another of these. */
const variants = {
  'as it is': {},
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
  'HEARTBEAT_MS=1000 (25 times the pings)': { env: { HEARTBEAT_MS: '1000' } },
  'ARRIVAL_NOTICES=off': { env: { ARRIVAL_NOTICES: 'off' } },
  'NOTICE_SCOPE=none': { env: { NOTICE_SCOPE: 'none' } },
  'NOTICE_SCOPE=peers': { env: { NOTICE_SCOPE: 'peers' } },
  'MEMORY_BUDGET_BYTES=0': { env: { MEMORY_BUDGET_BYTES: '0' } },
  'FRAME_TIMEOUT_MS=0': { env: { FRAME_TIMEOUT_MS: '0' } },
  'FAST_LANE=off (every frame through ws)': { env: { FAST_LANE: 'off' } },
  'messages with text that is not ASCII': { load: foreignText },
  'the same without the check of UTF-8': {
    load: foreignText,
    env: withoutUtf8Check,
    against: 'messages with text that is not ASCII',
  },
};

prepare({ project: true, build: true });
const [pp8] = choose({ only: ['pp8'] });
const lines = [
  '# What protections cost',
  '',
  `Written by \`npm run bench:protections\`. ${machineText()}; Node ${process.version}; Switchboard ${projectText()}.`,
  '',
  `pp8, ${ROUNDS} rounds of ${SECONDS} s. A ratio above 1 is what taking that protection away would gain.`,
  '',
  '| what is changed | against | ratio, median (least–most) |',
  '| --- | --- | --- |',
  ...(await costs()),
  '',
  'The check of JSON and of the envelope cannot be taken away: it is the same pass over the bytes that finds the receiver.',
  'What it costs with the rest of that pass stands in [ADR 0004](../docs/adr/0004-fast-path-and-slow-path.md). Nor can the',
  'counting of what waits for a session: it is one comparison a write.',
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
    const against = variants[name].against ?? 'as it is';
    const { median, min, max } = spread(figures.map((value, round) => value / values[against][round]));
    return `| ${name} | ${against} | ${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)}) |`;
  });
}

/** A session that stops reading must not slow any other: beside each flood stands the same one with readers that read. */
async function stalledReaders() {
  const rows = [`| no flood | | ${await calmP99()} |`];
  for (const kind of ['broadcast', 'direct'])
    for (const readers of ['reading', 'stalled']) {
      const p99 = await calmP99([`${benchDir}stalled.js`, readers, kind]);
      rows.push(`| ${kind} | ${readers} | ${p99} |`);
    }
  return [
    `p99 of a calm pair, 100 messages a second there and back for ${CALM_SECONDS} s, beside a flood of 16 KiB messages to 100`,
    'others that read it or have stopped reading: 100 broadcasts a second, which reach the pair too because `*` is everyone,',
    'or 1,000 direct messages a second, which do not.',
    '',
    '| flood | 100 others | p99, µs |',
    '| --- | --- | --- |',
    ...rows,
  ];
}

/** @param {string[]} [flood] script and arguments; its first argument, the port, is put in here */
async function calmP99(flood) {
  const server = await startServer(switchboard, { node: process.execPath, env: { SLOW_CONSUMER_MS: '60000' } });
  const pair = startBeside([`${benchDir}attacks/calm-pair.js`, `${server.port}`, `${CALM_SECONDS}`]);
  try {
    await pair.ask(); // warms the server up
    if (flood === undefined) return await pair.ask();
    const [script, ...words] = flood;
    const flooding = startBeside([script, `${server.port}`, ...words], YIELDING);
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

/** For a try: `npm run bench:protections -- ROUNDS SECONDS`. */
function positive(text, otherwise) {
  return Number(text) > 0 ? Number(text) : otherwise;
}
