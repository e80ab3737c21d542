import { measure } from './measure.js';
import { PairedSamples } from './samples.js';
import { PeerUnavailable } from './server-process.js';

/**
 * Runs every scenario, round by round; each round begins with another server, so that none always runs on the same heels.
 *
 * @param {import('./scenarios.js').Scenario[]} scenarios
 * @param {{ node: string, seconds: number, rounds: number }} how
 */
export async function runRounds(scenarios, how) {
  const results = [];
  for (const scenario of scenarios) {
    const samples = new PairedSamples(scenario);
    console.log(`\n${scenario.name}: ${scenario.title} (${scenario.unit})`);
    for (let round = 0; round < how.rounds; round++) await runRound(samples, round, how);
    for (const server of scenario.servers) console.log(`  ${server.title.padEnd(24)} ${samples.line(server.name)}`);
    results.push(samples);
  }
  return results;
}

async function runRound(samples, round, how) {
  const { scenario } = samples;
  for (const server of rotate(scenario.servers, round)) {
    if (samples.unavailable.has(server.name)) continue;
    try {
      samples.add(server.name, round, await measure(scenario, server, how));
    } catch (error) {
      if (error instanceof PeerUnavailable) {
        samples.unavailable.add(server.name);
        continue;
      }
      samples.failures.push(`${server.name}, round ${round + 1}: ${error.message}`);
      console.error(`  ${server.name}: ${error.message}`);
    }
  }
}

/** The same list, begun at another place. */
export function rotate(list, by) {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
