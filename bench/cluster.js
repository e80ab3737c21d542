import { mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { nats } from './harness/brokers.js';
import { overNats, switchboardCluster } from './harness/cluster-servers.js';
import { compileGenerator } from './harness/generator.js';
import { Listener } from './harness/listener.js';
import { measure } from './harness/measure.js';
import { cacheDir } from './harness/paths.js';
import { cpuSeconds } from './harness/processor-time.js';
import { report, writeReport } from './harness/scaling.js';
import { loads } from './harness/scenarios/between-nodes.js';
import { switchboard } from './harness/servers.js';
import { SimulatedNode } from './harness/simulated-node.js';

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
const QUIET = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' };

const [alone, cluster] = [switchboard({ env: QUIET }), switchboardCluster({ env: QUIET })];
/** A cluster whose sessions are all on the first node. */
const oneNode = { ...cluster, start: async (context) => onFirstNode(await cluster.start(context)) };

function onFirstNode({ ports: [first], ...started }) {
  return { ...started, ports: [first] };
}

/** Measures direct messages and broadcasts on one node and across two nodes. */
async function messages() {
  const results = [];
  const add = async (title, server, load) => {
    const scenario = { result: 'cpu_us', also: { result: 'rate' }, load };
    const { also: rate, parts } = await measure(scenario, server, { node: process.execPath, seconds: SECONDS });
    console.error(title, Math.round(rate), parts);
    results.push({ title, rate, costs: parts });
  };
  const flights = [
    { title: 'direct, 8 in flight', load: loads.cross8 },
    { title: 'direct, 1 in flight', load: loads.cross1 },
  ];
  for (const { title, load } of flights) {
    await add(`${title}, no backplane`, alone, load);
    await add(`${title}, within a node`, oneNode, load);
    await add(`${title}, between nodes`, cluster, load);
  }
  await add('broadcast to 1,000, no backplane', alone, loads.crossfan);
  await add('broadcast to 1,000 on two nodes', cluster, loads.crossfan);
  return results;
}

/** Measures what a node spends on events of another node. */
async function events() {
  const broker = await nats.start();
  const env = overNats(broker.ports[0]);
  const node = await alone.start({ node: process.execPath, env });
  const [[nodePid], [natsPid]] = [node.processes.app, broker.processes.nats];
  const other = await SimulatedNode.start(env.NATS_URL);
  const listener = await Listener.open(node.ports[0], nodePid);
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
    const natsBefore = cpuSeconds(natsPid);
    const both = await listener.cost(MANY * 2, async () => {
      await publish(came, together, MANY + 1);
      await publish(left, together, 1);
    });
    results[`events${together}`] = both;
    results[`natsEvents${together}`] = ((cpuSeconds(natsPid) - natsBefore) / (MANY * 2)) * 1e6;
  }
  const echo = await SimulatedNode.start(env.NATS_URL, listener.nodeId);
  results.echo = await listener.cost(MANY, async () => {
    await echo.events(
      other.sessions(MANY).map(({ id }) => ({ type: 'departed', id, code: 1000 })),
      1,
    );
    await publish([{ type: 'arrived', sessionInfo: other.sessions(1)[0] }], 1, 2);
  });
  await echo.connection.close();
  results.heartbeat = await listener.cost(MANY, async () => {
    await other.heartbeats(MANY);
    await publish([{ type: 'arrived', sessionInfo: other.sessions(1)[0] }], 1, 3);
  });
  const visibleMs = [];
  for (let count = 1; count <= VISIBLE_SAMPLES; count++) {
    const began = performance.now();
    await publish([{ type: 'arrived', sessionInfo: other.sessions(1)[0] }], 1, 3 + count);
    visibleMs.push(performance.now() - began);
  }
  results.visibleMs = {
    median: visibleMs.toSorted((one, two) => one - two)[VISIBLE_SAMPLES / 2],
    max: Math.max(...visibleMs),
  };
  results.pages = [];
  for (const sessions of [1000, 10_000, 100_000]) {
    const rssBefore = rssBytes(nodePid);
    const snapshot = await listener.cost(sessions, async () => {
      await other.snapshot(other.sessions(sessions));
      await listener.hasTotal(sessions + 1);
    });
    results.pages.push({
      sessions,
      snapshot,
      bytes: (rssBytes(nodePid) - rssBefore) / sessions,
      ...(await pages(other, listener)),
    });
  }
  await other.stop();
  await Promise.all([node.stop(), broker.stop()]);
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

function rssBytes(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

mkdirSync(cacheDir, { recursive: true });
compileGenerator();
const machine = `${cpus()[0].model.trim()}, ${availableParallelism()} cores, Node ${process.versions.node}`;
const text = report({ machine, events: await events(), messages: await messages() });
console.log(text);
if (args.includes('--write')) await writeReport(text);
process.exit(0);
