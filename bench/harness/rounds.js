import { createHash } from 'node:crypto';
import { measure, secondsOf } from './measure.js';
import { PairedSamples } from './samples.js';
import { PeerUnavailable } from './program.js';

/**
 * Runs every scenario, round by round, and yields its results.
 *
 * @param {import('./scenarios/scenario.js').Scenario[]} scenarios
 * @param {{ node: string, seconds: number, rounds: number }} options
 */
export async function* runRounds(scenarios, options) {
  for (const scenario of scenarios) {
    const rounds = Math.min(options.rounds, scenario.rounds ?? options.rounds);
    const effort = { rounds, seconds: secondsOf(scenario, options) };
    const samples = new PairedSamples(scenario, effort);
    const also = scenario.also && new PairedSamples({ ...scenario, ...scenario.also }, effort);
    for (let round = 0; round < rounds; round++) await runRound(samples, also, round, options);
    const results = also ? [samples, also] : [samples];
    results.forEach(show);
    yield results;
  }
}

function show(samples) {
  const { name, title, unit, servers } = samples.scenario;
  console.log(`\n${name}: ${title} (${unit})`);
  for (const server of servers) console.log(`  ${server.title.padEnd(30)} ${samples.line(server.name)}`);
}

async function runRound(samples, also, round, options) {
  const { scenario } = samples;
  for (const server of orderOf(scenario.servers, round)) {
    if (samples.unavailable.has(server.name)) continue;
    try {
      const measured = await measure(scenario, server, options);
      samples.add(server.name, round, measured);
      also?.add(server.name, round, { ...measured, value: measured.also, parts: undefined });
    } catch (error) {
      if (error instanceof PeerUnavailable) {
        samples.unavailable.set(server.name, error.message);
        also?.unavailable.set(server.name, error.message);
        continue;
      }
      samples.failures.push(`${server.name}, round ${round + 1}: ${error.message}`);
      console.error(`  ${server.name}: ${error.message}`);
    }
  }
}

/**
 * Orders the servers of a round, so that none always follows the same one. Every second round has the reverse of the order
 * before it, and the others are shuffled. The order of a round is the same in every run.
 *
 * @template {{ name: string }} T @param {T[]} servers @param {number} round from 0 @returns {T[]}
 */
export function orderOf(servers, round) {
  const hash = ({ name }) =>
    createHash('sha256')
      .update(`${round >> 1} ${name}`)
      .digest('hex');
  const shuffled = servers.toSorted((a, b) => (hash(a) < hash(b) ? -1 : 1));
  return round % 2 === 0 ? shuffled : shuffled.toReversed();
}
