import { readFileSync, writeFileSync } from 'node:fs';
import { PairedSamples } from './samples.js';
import { scenarios } from './scenarios.js';

/**
 * @typedef {object} ResultSet the results on one version of Node
 * @property {string} version of Node
 * @property {PairedSamples[]} results
 */

/**
 * @typedef {object} Facts what the results of joined runs must have in common, and the date
 * @property {string} project version and commit
 * @property {string} machine
 * @property {Record<string, string>} versions of the peers and programs that ran
 * @property {string} date
 */

/** @typedef {{ facts: Facts, sets: ResultSet[], minutes: number }} Run */

/** Writes a run, so that an interrupted one is not lost. @param {string} file @param {Run} run */
export function saveRun(file, run) {
  writeFileSync(file, JSON.stringify(run));
}

/**
 * Reads runs and joins the sets of one version of Node. Of a scenario in several files the last one counts.
 *
 * @param {string[]} files
 * @returns {Run}
 * @throws if the runs are not of one commit, one machine and the same peers
 */
export function loadRuns(files) {
  const runs = files.map((file) => ({ file, ...JSON.parse(readFileSync(file, 'utf8')) }));
  const bySet = new Map();
  for (const { version, results } of runs.flatMap(({ sets }) => sets)) {
    if (!bySet.has(version)) bySet.set(version, new Map());
    for (const saved of results) bySet.get(version).set(saved.name, saved);
  }
  const sets = [...bySet].map(([version, byName]) => ({ version, results: restore(byName) }));
  return {
    facts: commonFacts(runs),
    sets: sets.toSorted((a, b) => Number.parseInt(b.version.slice(1), 10) - Number.parseInt(a.version.slice(1), 10)),
    minutes: runs.reduce((sum, { minutes }) => sum + minutes, 0),
  };
}

function commonFacts(runs) {
  const common = {};
  const versions = {};
  for (const { file, facts } of runs) {
    if (!facts) throw new Error(`${file} does not say what it measured; run its scenarios again`);
    const { project, machine } = facts;
    requireSame(common, { project, machine }, file);
    requireSame(versions, facts.versions, file);
  }
  return { ...common, versions, date: [...new Set(runs.map(({ facts }) => facts.date))].join(', ') };
}

/** Adds facts to those of the files before. A file that did not run a program has no version of it. */
function requireSame(known, facts, file) {
  for (const [name, value] of Object.entries(facts)) {
    known[name] ??= value;
    if (known[name] !== value)
      throw new Error(`${file} has another ${name} (${value}) than the files before it (${known[name]})`);
  }
}

/** Restores results in the order of the scenarios. */
function restore(byName) {
  const all = scenarios.flatMap((scenario) =>
    scenario.also ? [scenario, { ...scenario, ...scenario.also }] : [scenario],
  );
  return all
    .filter(({ name }) => byName.has(name))
    .map((scenario) => PairedSamples.restore(scenario, byName.get(scenario.name)));
}
