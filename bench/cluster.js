import { mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, load, startNats, startNode } from './harness/cluster-processes.js';
import { Listener } from './harness/listener.js';
import { compileGenerator } from './harness/generator.js';
import { cacheDir } from './harness/paths.js';
import { SimulatedNode } from './harness/simulated-node.js';
import { report, writeReport } from './harness/scaling.js';

/**
 * Measures the processor time that nodes spend on each message and event of a cluster. Nodes and NATS share core 0, and the
 * generator has core 1, so the results are costs and not throughput.
 *
 *   npm run build && node bench/cluster.js [SECONDS] [--write]
 *
 * SECONDS of each load (default 3); `--write` writes the tables into docs/scaling.md. The machine should be idle.
 */
const args = process.argv.slice(2);
const SECONDS = Number(args.find((arg) => !arg.startsWith('--')) ?? 3);
const MANY = 20_000;
const PAGES = 20;
const VISIBLE_SAMPLES = 200;

/** Runs one load; returns its rate, and the processor time of each process for each message. */
async function measure(title, processes, flags) {
  const before = Object.values(processes).map(cpuSeconds);
  const { rate, ok } = await load(SECONDS, ...flags);
  if (!ok) throw new Error(`${title}: messages were lost or changed`);
  // Costs are of the whole run, the second of warm-up included.
  const delivered = rate * (SECONDS + 1);
  const costs = Object.entries(processes).map(([name, child], index) => [
    name,
    ((cpuSeconds(child) - before[index]) / delivered) * 1e6,
  ]);
  console.error(title, Math.round(rate), costs.map(([name, cost]) => `${name} ${cost.toFixed(2)}`).join(', '));
  return { title, rate, costs: Object.fromEntries(costs) };
}

/** Measures direct messages and broadcasts on one node and across two nodes. */
async function messages(nats, servers) {
  const standalone = await startNode();
  const [one, two] = [await startNode(servers), await startNode(servers)];
  await delay(1000); // until both nodes have joined
  const port = ({ port: number }) => ['--port', String(number)];
  const both = [...port(one), '--port2', String(two.port)];
  const pairs = ['--scenario', 'pingpong', '--pairs', '100', '--size', '100'];
  const fan = ['--scenario', 'fanout', '--conns', '1000', '--window', '1', '--size', '100'];
  const results = [];
  for (const window of ['8', '1']) {
    const flight = [...pairs, '--window', window];
    const name = `direct, ${window} in flight`;
    results.push(await measure(`${name}, no backplane`, { node: standalone }, [...flight, ...port(standalone)]));
    results.push(await measure(`${name}, within a node`, { node: one, nats }, [...flight, ...port(one)]));
    results.push(await measure(`${name}, between nodes`, { one, two, nats }, [...flight, ...both]));
  }
  results.push(await measure('broadcast to 1,000, no backplane', { node: standalone }, [...fan, ...port(standalone)]));
  results.push(await measure('broadcast to 1,000 on two nodes', { one, two, nats }, [...fan, ...both]));
  for (const { child } of [standalone, one, two]) child.kill('SIGKILL');
  return results;
}

/** Measures what a node spends on events of another node. */
async function events(nats, servers) {
  const node = await startNode(servers);
  const other = await SimulatedNode.start(servers.NATS_URL);
  const listener = await Listener.open(node);
  await other.snapshot([]);
  const publish = async (items, together, total) => {
    await other.events(items, together);
    await listener.hasTotal(total);
  };
  const results = {};
  for (const together of [1, 50]) {
    const sessions = other.sessions(MANY);
    const came = sessions.map((sessionInfo) => ({ type: 'arrived', sessionInfo }));
    const left = sessions.map(({ id }) => ({ type: 'departed', id, code: 1000 }));
    const natsBefore = cpuSeconds(nats);
    const both = await listener.cost(MANY * 2, async () => {
      await publish(came, together, MANY + 1);
      await publish(left, together, 1);
    });
    results[`events${together}`] = both;
    results[`natsEvents${together}`] = ((cpuSeconds(nats) - natsBefore) / (MANY * 2)) * 1e6;
  }
  results.heartbeat = await listener.cost(MANY, async () => {
    await other.heartbeats(MANY);
    await publish([{ type: 'arrived', sessionInfo: other.sessions(1)[0] }], 1, 2);
  });
  const visibleMs = [];
  for (let count = 1; count <= VISIBLE_SAMPLES; count++) {
    const began = performance.now();
    await publish([{ type: 'arrived', sessionInfo: other.sessions(1)[0] }], 1, 2 + count);
    visibleMs.push(performance.now() - began);
  }
  results.visibleMs = {
    median: visibleMs.toSorted((one, two) => one - two)[VISIBLE_SAMPLES / 2],
    max: Math.max(...visibleMs),
  };
  results.pages = [];
  for (const sessions of [1000, 10_000, 100_000]) {
    const rssBefore = rssBytes(node);
    const snapshot = await listener.cost(sessions, async () => {
      await other.snapshot(other.sessions(sessions));
      await listener.hasTotal(sessions + 1);
    });
    results.pages.push({
      sessions,
      snapshot,
      bytes: (rssBytes(node) - rssBefore) / sessions,
      ...(await pages(other, listener)),
    });
  }
  await other.stop();
  node.child.kill('SIGKILL');
  return results;
}

/** Measures pages of a thousand ids, unchanged and after an arrival. */
async function pages(other, listener) {
  const unchanged = [];
  const changed = [];
  for (let count = 0; count < PAGES; count++) {
    await other.events([{ type: 'arrived', sessionInfo: other.sessions(1)[0] }], 1);
    changed.push((await listener.page(1000)).tookMs);
    unchanged.push((await listener.page(1000)).tookMs);
  }
  const median = (values) => values.toSorted((one, two) => one - two)[PAGES / 2];
  return { unchangedMs: median(unchanged), changedMs: median(changed) };
}

function rssBytes({ pid }) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

mkdirSync(cacheDir, { recursive: true });
compileGenerator();
const nats = await startNats();
const servers = { BACKPLANE: 'nats', NATS_URL: `nats://127.0.0.1:${nats.port}` };
const eventCosts = await events(nats, servers);
const machine = `${cpus()[0].model.trim()}, ${availableParallelism()} cores, Node ${process.versions.node}`;
const text = report({ machine, messages: await messages(nats, servers), events: eventCosts });
console.log(text);
if (args.includes('--write')) await writeReport(text);
process.exit(0);
