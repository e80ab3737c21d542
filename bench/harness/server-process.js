import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { own } from './children.js';
import { accepts, freePort } from './ports.js';

const SERVER_CORE = '0';
const START_TIMEOUT_MS = 15_000;
/** A peer exits so when it has no binary for this Node; see peers/uws-native.js. */
const NO_BINARY = 69;

/** The peer cannot run on this Node, which is a fact to report and no fault. */
export class PeerUnavailable extends Error {}

/**
 * Starts a server on a core of its own and resolves once it accepts connections.
 *
 * @param {import('./servers.js').Server} server
 * @param {{ node: string, env?: Record<string, string> }} how
 */
export async function startServer(server, { node, env }) {
  const port = await freePort();
  const child = own(
    spawn('taskset', ['-c', SERVER_CORE, node, server.script, `${port}`], {
      env: { ...process.env, ...server.env, ...env, PORT: `${port}` },
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaint = (complaint + text).slice(-2_000)));
  const exited = once(child, 'exit');

  /** Kills it: a polite end would tell thousands of departures to nobody. */
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
  };

  try {
    await untilListening(port, child, () => complaint);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, pid: child.pid, complaint: () => complaint, stop };
}

async function untilListening(port, child, complaint) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (child.exitCode === NO_BINARY) throw new PeerUnavailable();
    if (child.exitCode !== null) throw new Error(`the server exited with ${child.exitCode}\n${complaint()}`);
    if (Date.now() > deadline)
      throw new Error(`the server did not listen within ${START_TIMEOUT_MS} ms\n${complaint()}`);
    await delay(25);
  }
}
