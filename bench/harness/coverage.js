import { forOlderNode, scenarios } from './scenarios.js';

/**
 * Says how often each scenario was measured, and what a complete run would have measured besides.
 *
 * @param {import('./samples.js').PairedSamples[]} results
 * @param {boolean} first whether they are of the Node that runs all scenarios
 */
export function coverage(results, first) {
  const planned = first ? scenarios : forOlderNode(scenarios);
  const byEffort = new Map();
  for (const { name } of planned) {
    const samples = results.find(({ scenario }) => scenario.name === name);
    if (!samples) continue;
    const effort = effortText(samples.effort);
    byEffort.set(effort, [...(byEffort.get(effort) ?? []), `\`${name}\``]);
  }
  const lines = [...byEffort].map(([effort, names]) => `${effort}: ${names.join(', ')}`);
  const absent = planned.flatMap((scenario) => absentOf(scenario, results));
  if (absent.length > 0) lines.push(`Not measured: ${absent.join(', ')}`);
  return lines.map((line) => `- ${line}.`).join('\n');
}

function effortText({ rounds, seconds }) {
  const often = rounds === 1 ? '1 round' : `${rounds} rounds`;
  return seconds === undefined ? often : `${often} of ${seconds} s`;
}

/** Names a scenario without results, or the servers that it lacks. */
function absentOf({ name, servers }, results) {
  const measured = results.find(({ scenario }) => scenario.name === name)?.scenario.servers;
  if (!measured) return [`\`${name}\``];
  const lacking = servers.filter((server) => !measured.some((other) => other.name === server.name));
  return lacking.length > 0 ? [`\`${name}\` of ${lacking.map((server) => `\`${server.name}\``).join(' and ')}`] : [];
}
