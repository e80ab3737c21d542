import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { benchDir, cacheDir, generator } from './harness/paths.js';

/**
 * What it costs that sender and receiver are on different nodes: processor time a message, of each process on its way.
 * Nodes and NATS share core 0, the generator has core 1, so that costs count here and no throughput.
 *
 *   npm run build && node bench/cluster.js [SECONDS]
 */
const SECONDS = Number(process.argv[2] ?? 3);
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const TICKS_PER_SECOND = 100;
const OFF = {
  MAX_CONNECTIONS_PER_ADDRESS: '0',
  HANDSHAKES_PER_SECOND: '0',
  MESSAGES_PER_SECOND: '0',
  BYTES_PER_SECOND: '0',
  ARRIVAL_NOTICES: 'off',
  NOTICE_SCOPE: 'none',
  LOG_LEVEL: 'error',
};
const children = [];

/** Starts a program on core 0 and waits until it listens. */
async function start(port, command, words, env = {}) {
  const child = spawn('taskset', ['-c', '0', command, ...words], { env: { ...process.env, ...env }, stdio: 'ignore' });
  children.push(child);
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${command} exited with ${child.exitCode}`);
    await delay(25);
  }
  return { port, pid: child.pid };
}

async function accepts(port) {
  const socket = connect(port, '127.0.0.1');
  const accepted = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return accepted;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Processor seconds of a process so far (proc(5): utime and stime). */
function cpuSeconds({ pid }) {
  const words = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(words[11]) + Number(words[12])) / TICKS_PER_SECOND;
}

async function load(...flags) {
  const all = ['--match', 'sys.welcome', '--notice', 'sys.departed', '--room', '*', '--type', 'direct', '--spin'];
  const timing = ['--path', '/wss', '--time', String(SECONDS), '--warm', '1'];
  const { stdout } = await promisify(execFile)('taskset', ['-c', '1', generator, ...all, ...timing, ...flags]);
  return JSON.parse(stdout);
}

/** Runs one load and prints what each process spent on each message. */
async function measure(title, processes, flags) {
  const before = Object.values(processes).map(cpuSeconds);
  const { rate, ok } = await load(...flags);
  const after = Object.values(processes).map(cpuSeconds);
  if (!ok) throw new Error(`${title}: messages were lost or changed`);
  // The generator warms up for a second before it counts; costs are of the whole run.
  const messages = rate * (SECONDS + 1);
  const costs = Object.keys(processes).map(
    (name, index) => `${name} ${(((after[index] - before[index]) / messages) * 1e6).toFixed(2)}`,
  );
  console.log(`| ${title} | ${Math.round(rate).toLocaleString('en')} | ${costs.join(', ')} |`);
}

mkdirSync(cacheDir, { recursive: true });
execFileSync('gcc', ['-O2', '-o', generator, `${benchDir}load/wsload.c`, '-lm']);
try {
  const [natsPort, onePort, twoPort, alonePort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const nats = await start(natsPort, 'nats-server', ['-a', '127.0.0.1', '-p', String(natsPort)]);
  const joined = { ...OFF, BACKPLANE: 'nats', NATS_URL: `nats://127.0.0.1:${natsPort}` };
  const alone = await start(alonePort, process.execPath, [MAIN], { ...OFF, PORT: String(alonePort) });
  const one = await start(onePort, process.execPath, [MAIN], { ...joined, PORT: String(onePort) });
  const two = await start(twoPort, process.execPath, [MAIN], { ...joined, PORT: String(twoPort) });
  await delay(1000);
  const both = ['--port', String(onePort), '--port2', String(twoPort)];
  const pairs = ['--scenario', 'pingpong', '--pairs', '100', '--size', '100'];
  const fan = ['--scenario', 'fanout', '--conns', '1000', '--window', '1', '--size', '100'];
  console.log('| what | messages/s | µs of processor time a message |\n|---|---|---|');
  for (const window of ['8', '1']) {
    const flight = [...pairs, '--window', window];
    await measure(`direct, ${window} in flight, no backplane`, { node: alone }, [
      ...flight,
      '--port',
      String(alonePort),
    ]);
    await measure(`direct, ${window} in flight, within a node`, { node: one, nats }, [
      ...flight,
      '--port',
      String(onePort),
    ]);
    await measure(`direct, ${window} in flight, between nodes`, { one, two, nats }, [...flight, ...both]);
  }
  await measure('broadcast to 1,000, no backplane', { node: alone }, [...fan, '--port', String(alonePort)]);
  await measure('broadcast to 1,000 on two nodes', { one, two, nats }, [...fan, ...both]);
} finally {
  for (const child of children) child.kill('SIGKILL');
}
