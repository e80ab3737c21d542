import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { own } from './children.js';
import { accepts, freePort } from './ports.js';

const SERVER_CORE = '0';
const START_TIMEOUT_MS = 15_000;
/** Exit code of a peer without a binary for this Node; see peers/uws-native.js. */
const NO_BINARY = 69;

/** The peer cannot run on this Node; reported, but not a failure. */
export class PeerUnavailable extends Error {}

/**
 * Starts a server on its own core and resolves once it accepts connections.
 *
 * @param {import('./servers.js').Server} server
 * @param {{ node: string, env?: Record<string, string> }} options
 */
export async function startServer(server, { node, env }) {
  const port = await freePort();
  const child = own(
    spawn('taskset', ['-c', SERVER_CORE, node, server.script, `${port}`], {
      env: { ...process.env, ...server.env, ...env, PORT: `${port}` },
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-2_000)));
  const exited = once(child, 'exit');

  /** Kills the server, because a graceful end would send thousands of useless departure notices. */
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
  };

  try {
    await untilListening(port, child, () => output);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, pid: child.pid, stderr: () => output, stop };
}

async function untilListening(port, child, stderr) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (child.exitCode === NO_BINARY) throw new PeerUnavailable();
    if (child.exitCode !== null) throw new Error(`the server exited with ${child.exitCode}\n${stderr()}`);
    if (Date.now() > deadline) throw new Error(`the server did not listen within ${START_TIMEOUT_MS} ms\n${stderr()}`);
    await delay(25);
  }
}
