import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { own } from './children.js';
import { generator } from './paths.js';
import { PeerUnavailable } from './program.js';

const GENERATOR_CORE = '1';
const TIMEOUT_MS = 200_000;
/** The least warm-up time, which is not measured. */
const WARM_SECONDS = 1;

const dialect = ['--match', 'sys.welcome', '--notice', 'sys.departed', '--room', '*', '--type', 'direct', '--spin'];
/** Exit code of the generator where `--resume` is not answered. */
const NOT_RESUMABLE = 69;
/** Counters of the generator that must be zero in a valid run. */
const faults = ['lost', 'misroute', 'misorder', 'corrupt', 'protoerr', 'closed'];

/**
 * @typedef {object} Measurement
 * @property {number} value in the scenario's unit
 * @property {number | undefined} also the scenario's other field
 * @property {Record<string, number>} [parts] the value of each part of the server, for example app and nginx
 * @property {number} otherLoad share of either core used by other processes during the sample
 */

/**
 * Starts a server, runs the scenario's load and returns the result; throws if a message was lost or changed, and
 * PeerUnavailable if the server lacks what the load needs.
 *
 * @returns {Promise<Measurement>}
 */
export async function measure(scenario, server, { node, seconds }) {
  const started = await server.start({ node, env: scenario.env });
  try {
    const warm = Math.max(WARM_SECONDS, scenario.warm ?? 0, server.warm ?? 0);
    const time = ['--time', `${secondsOf(scenario, { seconds }) ?? seconds}`, '--warm', `${warm}`];
    const answer = await load([...dialect, ...target(started), ...time, ...(server.load ?? []), ...scenario.load]);
    verify(answer);
    return { ...resultOf(scenario, answer), otherLoad: otherLoad(scenario, answer) };
  } catch (error) {
    if (started.stderr() !== '') error.message += `\n${started.stderr()}`;
    throw error;
  } finally {
    await started.stop();
  }
}

/** Returns the measured seconds of a round; undefined where the load ends by itself. @returns {number | undefined} */
export function secondsOf({ load: flags, least = 0 }, { seconds }) {
  return flags.includes('--hold') ? undefined : Math.max(seconds, least);
}

/** Formats where the generator connects to, and the processes whose time and memory it measures. */
function target({ ports: [port, second], processes }) {
  const parts = Object.entries(processes).flatMap(([name, pids]) => ['--process', `${name}=${pids}`]);
  const flags = ['--port', `${port}`, ...parts];
  return second === undefined ? flags : [...flags, '--port2', `${second}`];
}

function resultOf({ result, also }, answer) {
  const parts = typeof answer[result] === 'object' ? answer[result] : answer[`${result}_of`];
  return { value: total(answer[result]), also: also && total(answer[also.result]), parts };
}

/** Reads a measured field. A field with a number for each part of the server counts as their sum. */
function total(field) {
  return typeof field === 'object' ? Object.values(field).reduce((sum, part) => sum + part, 0) : field;
}

async function load(flags) {
  const options = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' };
  try {
    const running = promisify(execFile)('taskset', ['-c', GENERATOR_CORE, generator, ...flags], options);
    own(running.child);
    const { stdout } = await running;
    return JSON.parse(stdout);
  } catch (error) {
    if (error.code === NOT_RESUMABLE) throw new PeerUnavailable('no resumable sessions');
    throw new Error(`the generator failed: ${error.stderr || error.stdout || error.message}`, { cause: error });
  }
}

function verify(answer) {
  const wrong = faults.filter((name) => (answer[name] ?? 0) !== 0);
  if (answer.ok && wrong.length === 0) return;
  throw new Error(`messages were lost or changed: ${JSON.stringify(answer)}`);
}

/** Results whose load has a measured time, of which the generator reports the load of other processes. */
const timed = ['rate', 'cpu_us', 'p50_us', 'p99_us'];

function otherLoad({ result }, { other_load0, other_load1, steal0, steal1 }) {
  return timed.includes(result) ? Math.max(other_load0 + steal0, other_load1 + steal1, 0) : 0;
}
