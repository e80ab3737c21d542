import { readFileSync, writeFileSync } from 'node:fs';
import { PairedSamples } from './samples.js';
import { scenarios } from './scenarios.js';

/**
 * @typedef {object} ResultSet the results on one version of Node
 * @property {string} version of Node
 * @property {number} rounds
 * @property {number} seconds of a round
 * @property {PairedSamples[]} results
 */

/** @typedef {{ sets: ResultSet[], minutes: number }} Run */

/** Writes a run, so that an interrupted one is not lost. @param {string} file @param {Run} run */
export function saveRun(file, run) {
  writeFileSync(file, JSON.stringify(run));
}

/**
 * Reads runs and joins the sets of one version of Node. Of a scenario in several files the last one counts.
 *
 * @param {string[]} files
 * @returns {Run}
 */
export function loadRuns(files) {
  const runs = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  const bySet = new Map();
  for (const { version, results, ...set } of runs.flatMap(({ sets }) => sets)) {
    if (!bySet.has(version)) bySet.set(version, { ...set, version, byName: new Map() });
    for (const saved of results) bySet.get(version).byName.set(saved.name, saved);
  }
  const sets = [...bySet.values()].map(({ byName, ...set }) => ({ ...set, results: restore(byName) }));
  return {
    sets: sets.toSorted((a, b) => Number.parseInt(b.version.slice(1), 10) - Number.parseInt(a.version.slice(1), 10)),
    minutes: runs.reduce((sum, { minutes }) => sum + minutes, 0),
  };
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
