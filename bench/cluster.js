import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, load, startNats, startNode } from './harness/cluster-processes.js';
import { Listener } from './harness/listener.js';
import { benchDir, cacheDir, generator } from './harness/paths.js';
import { SimulatedNode } from './harness/simulated-node.js';
import { report, writeReport } from './harness/scaling.js';

/**
 * What it costs that many nodes are one server: processor time for each thing a node says or hears. Nodes and NATS share
 * core 0, the generator has core 1, so that costs count here and no throughput.
 *
 *   npm run build && node bench/cluster.js [SECONDS] [--write]
 *
 * SECONDS for each load (3), `--write` to put the tables into docs/scaling.md. Nothing else should be busy meanwhile.
 */
const words = process.argv.slice(2);
const SECONDS = Number(words.find((word) => !word.startsWith('--')) ?? 3);
const MANY = 20_000;
const PAGES = 20;
const SEEN = 200;

/** Runs one load; gives its rate, and what each process spent on each message. */
async function measure(title, processes, flags) {
  const before = Object.values(processes).map(cpuSeconds);
  const { rate, ok } = await load(SECONDS, ...flags);
  if (!ok) throw new Error(`${title}: messages were lost or changed`);
  // The generator warms up for a second before it counts; costs are of the whole run.
  const delivered = rate * (SECONDS + 1);
  const costs = Object.entries(processes).map(([name, child], index) => [
    name,
    ((cpuSeconds(child) - before[index]) / delivered) * 1e6,
  ]);
  console.error(title, Math.round(rate), costs.map(([name, cost]) => `${name} ${cost.toFixed(2)}`).join(', '));
  return { title, rate, costs: Object.fromEntries(costs) };
}

/** Direct messages and broadcasts, without others and across two nodes. */
async function messages(nats, servers) {
  const alone = await startNode();
  const [one, two] = [await startNode(servers), await startNode(servers)];
  await delay(1000); // until they have met
  const port = ({ port: number }) => ['--port', String(number)];
  const both = [...port(one), '--port2', String(two.port)];
  const pairs = ['--scenario', 'pingpong', '--pairs', '100', '--size', '100'];
  const fan = ['--scenario', 'fanout', '--conns', '1000', '--window', '1', '--size', '100'];
  const found = [];
  for (const window of ['8', '1']) {
    const flight = [...pairs, '--window', window];
    const name = `direct, ${window} in flight`;
    found.push(await measure(`${name}, no backplane`, { node: alone }, [...flight, ...port(alone)]));
    found.push(await measure(`${name}, within a node`, { node: one, nats }, [...flight, ...port(one)]));
    found.push(await measure(`${name}, between nodes`, { one, two, nats }, [...flight, ...both]));
  }
  found.push(await measure('broadcast to 1,000, no backplane', { node: alone }, [...fan, ...port(alone)]));
  found.push(await measure('broadcast to 1,000 on two nodes', { one, two, nats }, [...fan, ...both]));
  for (const { child } of [alone, one, two]) child.kill('SIGKILL');
  return found;
}

/** What one node hears from another, measured alone. */
async function hearing(nats, servers) {
  const node = await startNode(servers);
  const other = await SimulatedNode.start(servers.NATS_URL);
  const listener = await Listener.open(node);
  await other.snapshot([]);
  const said = async (news, together, total) => {
    await other.events(news, together);
    await listener.knows(total);
  };
  const found = {};
  for (const together of [1, 50]) {
    const sessions = other.sessions(MANY);
    const came = sessions.map((sessionInfo) => ({ type: 'arrived', sessionInfo }));
    const left = sessions.map(({ id }) => ({ type: 'departed', id, code: 1000 }));
    const natsBefore = cpuSeconds(nats);
    const both = await listener.cost(MANY * 2, async () => {
      await said(came, together, MANY + 1);
      await said(left, together, 1);
    });
    found[`news${together}`] = both;
    found[`natsNews${together}`] = ((cpuSeconds(nats) - natsBefore) / (MANY * 2)) * 1e6;
  }
  found.heartbeat = await listener.cost(MANY, async () => {
    await other.heartbeats(MANY);
    await said([{ type: 'arrived', sessionInfo: other.sessions(1)[0] }], 1, 2);
  });
  const seen = [];
  for (let count = 1; count <= SEEN; count++) {
    const began = performance.now();
    await said([{ type: 'arrived', sessionInfo: other.sessions(1)[0] }], 1, 2 + count);
    seen.push(performance.now() - began);
  }
  found.seenMs = { median: seen.toSorted((one, two) => one - two)[SEEN / 2], most: Math.max(...seen) };
  found.pages = [];
  for (const sessions of [1000, 10_000, 100_000]) {
    const rssBefore = rssBytes(node);
    const snapshot = await listener.cost(sessions, async () => {
      await other.snapshot(other.sessions(sessions));
      await listener.knows(sessions + 1);
    });
    found.pages.push({
      sessions,
      snapshot,
      bytes: (rssBytes(node) - rssBefore) / sessions,
      ...(await pages(other, listener)),
    });
  }
  await other.stop();
  node.child.kill('SIGKILL');
  return found;
}

/** Pages of a thousand ids: asked again, and after one session has come. */
async function pages(other, listener) {
  const quiet = [];
  const changed = [];
  for (let count = 0; count < PAGES; count++) {
    await other.events([{ type: 'arrived', sessionInfo: other.sessions(1)[0] }], 1);
    changed.push((await listener.page(1000)).tookMs);
    quiet.push((await listener.page(1000)).tookMs);
  }
  const median = (values) => values.toSorted((one, two) => one - two)[PAGES / 2];
  return { quietMs: median(quiet), changedMs: median(changed) };
}

function rssBytes({ pid }) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

mkdirSync(cacheDir, { recursive: true });
execFileSync('gcc', ['-O2', '-o', generator, `${benchDir}load/wsload.c`, '-lm']);
const nats = await startNats();
const servers = { BACKPLANE: 'nats', NATS_URL: `nats://127.0.0.1:${nats.port}` };
const heard = await hearing(nats, servers);
const machine = `${cpus()[0].model.trim()}, ${availableParallelism()} cores, Node ${process.versions.node}`;
const text = report({ machine, messages: await messages(nats, servers), heard });
console.log(text);
if (words.includes('--write')) await writeReport(text);
process.exit(0);
