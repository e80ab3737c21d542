/**
 * `npm run bench:counting`: the cost of the message counters on the hot path. Compares the server with itself (the control)
 * and with itself without counters, in turns in one run. See README.md in this folder.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machineText, projectText } from './harness/machine.js';
import { measure } from './harness/measure.js';
import { benchDir } from './harness/paths.js';
import { prepare } from './harness/prepare.js';
import { orderOf } from './harness/rounds.js';
import { figure, PairedSamples, ratioText } from './harness/samples.js';
import { choose } from './harness/scenarios.js';
import { switchboard } from './harness/servers.js';

const MAX_COST = 0.02;
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, seconds: { type: 'string', default: '2' } },
});
const rounds = Number(values.rounds);
const options = { node: process.execPath, seconds: Number(values.seconds) };
const loaded = (name, title, query) => {
  const NODE_OPTIONS = `--import=file://${benchDir}harness/uncounted.js${query}`;
  return switchboard({ name, title, env: { NODE_OPTIONS } });
};
const variants = [
  loaded('counted', 'with counters', '?none'),
  loaded('again', 'with counters again (control)', '?none'),
  loaded('uncounted', 'without counters', ''),
];

prepare({ project: true, build: true });
const lines = [
  '# Cost of counters',
  '',
  `Written by \`npm run bench:counting\`: ${rounds} rounds of ${options.seconds} s, each in another order.`,
  `${machineText()}; Node ${process.version}; Switchboard ${projectText()}.`,
];
let worst = -Infinity;
for (const scenario of choose({ only: ['pp8', 'fan'] })) {
  const samples = await run(scenario);
  const cost = 1 - samples.ratio('counted', 'uncounted').median;
  worst = Math.max(worst, cost);
  lines.push(
    '',
    ...table(scenario, samples),
    '',
    `Counters cost ${(cost * 100).toFixed(1)} % of \`${scenario.name}\`.`,
  );
}
console.log(lines.join('\n'));
if (rounds >= 5) writeFileSync(`${benchDir}COUNTING.md`, `${lines.join('\n')}\n`);
process.exitCode = worst < MAX_COST ? 0 : 1;

async function run(scenario) {
  const samples = new PairedSamples(scenario);
  for (let round = 0; round < rounds; round++)
    for (const server of orderOf(variants, round))
      samples.add(server.name, round, await measure(scenario, server, options));
  return samples;
}

function table(scenario, samples) {
  const rows = variants.map(({ name, title }) => {
    const { median, min, max } = samples.values(name);
    const ratio = name === 'uncounted' ? '' : ratioText(samples.ratio(name, 'uncounted'));
    return `| ${title} | ${figure(median)} (${figure(min)}–${figure(max)}) | ${ratio} |`;
  });
  const head = `| ${scenario.name}, ${scenario.unit} | median (least–most) | against without counters |`;
  return [head, '| --- | --- | --- |', ...rows];
}
