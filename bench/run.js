/** `npm run bench`: measures Switchboard and its peers side by side. See README.md in this folder. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chart } from './harness/chart.js';
import { readOptions } from './harness/options.js';
import { facts, versions } from './harness/machine.js';
import { chartFile, node20, node24, resultsFile } from './harness/paths.js';
import { lacking, prepare } from './harness/prepare.js';
import { report } from './harness/report.js';
import { loadRuns, saveRun } from './harness/results.js';
import { runRounds } from './harness/rounds.js';
import { choose, forOlderNode } from './harness/scenarios.js';
import { buildAll } from './harness/toolchains.js';

const options = readOptions();
if (options.publishFrom) publish(options.publishFrom);
else await run();

async function run() {
  const startedMs = Date.now();
  const chosen = choose(options);
  const machine = prepare({ project: chosen.some(involvesSwitchboard), build: options.build });
  const possible = chosen.filter((scenario) => isPossible(scenario, machine));
  buildAll(possible.flatMap(({ servers }) => servers));

  const current = { facts: facts(), sets: [], minutes: 0 };
  for (const { node, scenarios, rounds, seconds } of plan(possible)) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
    console.log(`\nNode ${version}`);
    const set = { version, results: [] };
    current.sets.push(set);
    for await (const results of runRounds(scenarios, { rounds, seconds, node })) {
      set.results.push(...results);
      current.facts.versions = versions();
      current.minutes = (Date.now() - startedMs) / 60_000;
      saveRun(options.save, current);
    }
  }

  console.log(`\n${current.minutes.toFixed(1)} minutes; saved ${options.save}`);
  if (options.publish) publish([options.save]);
  if (current.sets.some(({ results }) => results.some(({ failures }) => failures.length > 0))) process.exitCode = 1;
}

/** All scenarios on the Node of the image; in a complete run then the main ones on the oldest supported Node. */
function plan(scenarios) {
  const { rounds, seconds } = options;
  const first = { node: options.node ?? node24, scenarios, rounds, seconds };
  return options.publish ? [first, { node: node20, scenarios: forOlderNode(scenarios), rounds, seconds }] : [first];
}

function isPossible({ name, needs = [] }, machine) {
  const reasons = needs.filter((need) => !machine[need]).map((need) => lacking[need]);
  if (reasons.length > 0) console.log(`${name}: left out: ${reasons.join('; ')}`);
  return reasons.length === 0;
}

function involvesSwitchboard({ servers }) {
  return servers.some(({ name }) => name.startsWith('switchboard'));
}

function publish(files) {
  const published = readRuns(files);
  write(resultsFile, report(published));
  write(chartFile, chart(published.sets[0]));
  console.log('wrote bench/RESULTS.md and docs/bench.svg');
}

function readRuns(files) {
  try {
    return loadRuns(files);
  } catch (error) {
    console.error(`bench: ${error.message}`);
    return process.exit(2);
  }
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
