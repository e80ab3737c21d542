/** `npm run bench:protections`: what the protections cost that are on by default. See README.md beside this file. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { measure } from './harness/measure.js';
import { machineText, projectText } from './harness/machine.js';
import { benchDir } from './harness/paths.js';
import { prepare } from './harness/prepare.js';
import { choose } from './harness/scenarios.js';
import { startServer } from './harness/server-process.js';
import { servers } from './harness/servers.js';

const ROUNDS = 5;
const SECONDS = 2;
const switchboard = servers.find(({ name }) => name === 'switchboard');

/** What is switched, each against the server as it is measured elsewhere. */
const variants = {
  'as it is': {},
  'FAST_LANE=off (every frame through ws)': { FAST_LANE: 'off' },
  'ARRIVAL_NOTICES=off': { ARRIVAL_NOTICES: 'off' },
  'NOTICE_SCOPE=peers': { NOTICE_SCOPE: 'peers' },
  'MEMORY_BUDGET_BYTES=0': { MEMORY_BUDGET_BYTES: '0' },
  'every rate limit on, none reached': {
    MESSAGES_PER_SECOND: '1000000',
    BYTES_PER_SECOND: '1000000000',
    FAULTS_PER_MINUTE: '60',
    REFUSALS_PER_MINUTE: '5000',
  },
};

prepare({ project: true, build: true });
const [pp8] = choose({ only: ['pp8'] });
const lines = [
  '# What protections cost',
  '',
  `Written by \`npm run bench:protections\`. ${machineText()}; Node ${process.version}; Switchboard ${projectText()}.`,
  '',
  '| pp8, against the server as it is | ratio, median (least–most) |',
  '| --- | --- |',
  ...(await costs()),
  '',
  ...(await stalledReaders()),
];
writeFileSync(`${benchDir}PROTECTIONS.md`, `${lines.join('\n')}\n`);
console.log(lines.join('\n'));

async function costs() {
  const values = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, env] of Object.entries(variants)) {
      const scenario = { ...pp8, env: { ...pp8.env, ...env } };
      values[name].push((await measure(scenario, switchboard, { node: process.execPath, seconds: SECONDS })).value);
    }
  const base = values['as it is'];
  return Object.entries(values).map(([name, figures]) => {
    const ratios = figures.map((value, round) => value / base[round]).toSorted((one, other) => one - other);
    return `| ${name} | ${ratios[1].toFixed(2)} (${ratios[0].toFixed(2)}–${ratios[2].toFixed(2)}) |`;
  });
}

/** A session that stops reading must not slow any other. */
async function stalledReaders() {
  const server = await startServer(switchboard, { node: process.execPath, env: { SLOW_CONSUMER_MS: '60000' } });
  try {
    const { stdout } = await promisify(execFile)(
      'taskset',
      ['-c', '1', process.execPath, `${benchDir}stalled.js`, `${server.port}`, '/wss'],
      { timeout: 120_000 },
    );
    const { quiet_p99_us: quiet, beside_p99_us: beside, broadcasts } = JSON.parse(stdout);
    return [
      '| p99 of a calm pair, one message at a time there and back | µs |',
      '| --- | --- |',
      `| alone | ${quiet} |`,
      `| beside 100 stalled readers of a flood of ${broadcasts} broadcasts of 16 KiB | ${beside} |`,
    ];
  } finally {
    await server.stop();
  }
}
