import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { own } from './children.js';
import { generator } from './paths.js';
import { accepts, freePort } from './ports.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const TICKS_PER_SECOND = 100;
const SETTINGS = {
  HOST: '127.0.0.1',
  MAX_CONNECTIONS_PER_ADDRESS: '0',
  HANDSHAKES_PER_SECOND: '0',
  MESSAGES_PER_SECOND: '0',
  BYTES_PER_SECOND: '0',
  BROADCAST_RECEIVERS_PER_SECOND: '0',
  ARRIVAL_NOTICES: 'off',
  NOTICE_SCOPE: 'none',
  LOG_LEVEL: 'error',
};

/** Starts a node on core 0. @param {Record<string, string>} env */
export async function startNode(env = {}) {
  const port = await freePort();
  return start(port, process.execPath, [MAIN], { ...SETTINGS, PORT: String(port), ...env });
}

/** Starts a NATS server on core 0. */
export async function startNats() {
  const port = await freePort();
  return start(port, 'nats-server', ['-a', '127.0.0.1', '-p', String(port)]);
}

/** Returns the processor seconds of a process so far (proc(5): utime and stime). */
export function cpuSeconds({ pid }) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Runs the generator on core 1 and returns its result. */
export async function load(seconds, ...flags) {
  const all = ['--match', 'sys.welcome', '--notice', 'sys.departed', '--room', '*', '--type', 'direct', '--spin'];
  const timing = ['--path', '/wss', '--time', String(seconds), '--warm', '1'];
  const { stdout } = await promisify(execFile)('taskset', ['-c', '1', generator, ...all, ...timing, ...flags]);
  return JSON.parse(stdout);
}

async function start(port, command, args, env = {}) {
  const child = own(
    spawn('taskset', ['-c', '0', command, ...args], { env: { ...process.env, ...env }, stdio: 'ignore' }),
  );
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${command} exited with ${child.exitCode}`);
    await delay(25);
  }
  return { port, pid: child.pid, child };
}
