import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { own } from './children.js';
import { accepts } from './ports.js';

const SERVER_CORE = '0';
const START_TIMEOUT_MS = 15_000;
const READY_MS = 100;
/** Exit code of a peer without a binary for its Node; see peers/uws-native.js. */
const NO_BINARY = 69;

/** Paths of the programs that this run has started. @type {Set<string>} */
export const ran = new Set();

/** The peer cannot run on this machine; reported with the reason, but not a failure. */
export class PeerUnavailable extends Error {}

/**
 * @typedef {object} Program
 * @property {number} pid
 * @property {() => string} stderr the end of its error output
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a program on the servers' core and resolves once it accepts connections.
 *
 * @param {string[]} command with its arguments
 * @param {object} options
 * @param {import('./ports.js').Address} options.at
 * @param {Record<string, string>} [options.env]
 * @param {number} [options.timeoutMs]
 * @param {NodeJS.Signals} [options.signal] that ends the program
 * @returns {Promise<Program>}
 */
export async function startProgram(command, { at, env = {}, timeoutMs = START_TIMEOUT_MS, signal = 'SIGKILL' }) {
  const child = own(
    spawn('taskset', ['-c', SERVER_CORE, ...command], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
    signal,
  );
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-2_000)));
  const exited = once(child, 'exit');
  child.once('exit', (code, signalled) => {
    output += `the server ended with ${code ?? signalled}\n`;
  });

  /** Kills the program by default, because a graceful end would send thousands of useless departure notices. */
  const stop = async () => {
    child.kill(signal);
    await exited;
  };

  try {
    await untilListening(at, child, timeoutMs);
  } catch (error) {
    await stop();
    error.message += `\n${output}`;
    throw error;
  }
  ran.add(command[0]);
  return { pid: child.pid, stderr: () => output, stop };
}

/** Switchboard listens for a moment to check the port, and again once it is ready: so the second of two checks counts. */
async function untilListening(at, child, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  const isReady = async () => (await accepts(at)) && (await delay(READY_MS, true)) && accepts(at);
  while (!(await isReady())) {
    if (child.exitCode === NO_BINARY) throw new PeerUnavailable('no binary for this Node');
    if (child.exitCode !== null) throw new Error(`the server exited with ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error(`the server did not listen within ${timeoutMs} ms`);
    await delay(25);
  }
}

/**
 * Starts a program whose worker processes do the work, and waits for them.
 *
 * @param {Parameters<typeof startProgram>} start
 * @returns {Promise<Program & { pids: number[] }>}
 */
export async function startWithWorkers(...start) {
  const program = await startProgram(...start);
  try {
    return { ...program, pids: [program.pid, ...(await workersOf(program.pid))] };
  } catch (error) {
    await program.stop();
    throw error;
  }
}

/**
 * Returns the worker processes of a program, which may listen before it has any.
 *
 * @param {number} pid @param {number} [timeoutMs]
 */
export async function workersOf(pid, timeoutMs = START_TIMEOUT_MS) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    if (text !== '') return text.trim().split(' ').map(Number);
    if (Date.now() >= deadline) throw new Error(`process ${pid} has no workers after ${timeoutMs} ms`);
    await delay(5);
  }
}
