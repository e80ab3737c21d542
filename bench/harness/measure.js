import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { own } from './children.js';
import { generator } from './paths.js';
import { startServer } from './server-process.js';

const GENERATOR_CORE = '1';
const TIMEOUT_MS = 200_000;
/** Warm-up time, which is not measured. */
const WARM_SECONDS = 1;

const dialect = ['--match', 'sys.welcome', '--notice', 'sys.departed', '--room', '*', '--type', 'direct', '--spin'];
/** Counters of the generator that must be zero in a valid run. */
const faults = ['lost', 'misroute', 'misorder', 'corrupt', 'protoerr', 'closed'];

/**
 * @typedef {object} Measurement
 * @property {number} value in the scenario's unit
 * @property {number | undefined} also the scenario's other field
 * @property {number} otherLoad share of either core used by other processes during the sample
 */

/**
 * Starts a server, runs the scenario's load and returns the result; throws if a message was lost or changed.
 *
 * @returns {Promise<Measurement>}
 */
export async function measure(scenario, server, { node, seconds }) {
  const started = await startServer(server, { node, env: scenario.env });
  try {
    const flags = ['--port', `${started.port}`, '--process', `app=${started.pid}`, '--time', `${seconds}`];
    const warm = ['--warm', `${Math.min(WARM_SECONDS, seconds)}`];
    const answer = await load([...dialect, ...flags, ...warm, ...(server.load ?? []), ...scenario.load]);
    verify(answer, started.stderr());
    const also = scenario.also && answer[scenario.also.result];
    return { value: answer[scenario.result], also, otherLoad: otherLoad(scenario, answer) };
  } finally {
    await started.stop();
  }
}

async function load(flags) {
  const options = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' };
  try {
    const running = promisify(execFile)('taskset', ['-c', GENERATOR_CORE, generator, ...flags], options);
    own(running.child);
    const { stdout } = await running;
    return JSON.parse(stdout);
  } catch (error) {
    throw new Error(`the generator failed: ${error.stderr || error.stdout || error.message}`, { cause: error });
  }
}

function verify(answer, stderr) {
  const wrong = faults.filter((name) => (answer[name] ?? 0) !== 0);
  if (answer.ok && wrong.length === 0) return;
  throw new Error(`messages were lost or changed: ${JSON.stringify(answer)}\n${stderr}`);
}

/** Only the scenarios with a rate measure the load of other processes. */
function otherLoad({ result }, { other_load0, other_load1, steal0, steal1 }) {
  if (result !== 'rate') return 0;
  return Math.max(other_load0 + steal0, other_load1 + steal1, 0);
}
