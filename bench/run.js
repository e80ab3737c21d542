/** `npm run bench`: measures Switchboard and its peers side by side. See README.md in this folder. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chart } from './harness/chart.js';
import { readOptions } from './harness/options.js';
import { chartFile, node24, resultsFile } from './harness/paths.js';
import { prepare } from './harness/prepare.js';
import { report } from './harness/report.js';
import { runRounds } from './harness/rounds.js';
import { choose, forSecondNode, SECOND_NODE_SECONDS } from './harness/scenarios.js';
import { buildAll } from './harness/toolchains.js';

const SECOND_MAJOR = 24;

const startedMs = Date.now();
const options = readOptions();
const scenarios = choose(options);
prepare({ project: scenarios.some(involvesSwitchboard), build: options.build });
buildAll(scenarios.flatMap(({ servers }) => servers));

const sets = [];
for (const { node, chosen, seconds } of plan()) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  console.log(`\nNode ${version}`);
  sets.push({ version, seconds, results: await runRounds(chosen, { ...options, node, seconds }) });
}

const minutes = (Date.now() - startedMs) / 60_000;
if (options.publish) {
  write(resultsFile, report(sets, { ...options, minutes }));
  write(chartFile, chart(sets[0]));
}
console.log(`\n${minutes.toFixed(1)} minutes${options.publish ? '; wrote bench/RESULTS.md and docs/bench.svg' : ''}`);
if (sets.some(({ results }) => results.some(({ failures }) => failures.length > 0))) process.exitCode = 1;

/** All scenarios on one Node, then the main ones on a newer Node. */
function plan() {
  const first = { node: options.node ?? process.execPath, chosen: scenarios, seconds: options.seconds };
  const isSecond = process.version.startsWith(`v${SECOND_MAJOR}.`);
  if (!options.publish || isSecond) return [first];
  return [first, { node: node24, chosen: forSecondNode(scenarios), seconds: SECOND_NODE_SECONDS }];
}

function involvesSwitchboard({ servers }) {
  return servers.some(({ name }) => name === 'switchboard');
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
