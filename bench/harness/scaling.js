import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

const FILE = fileURLToPath(new URL('../../docs/scaling.md', import.meta.url));
const SECTION = /<!-- measured -->.*<!-- measured end -->/s;
/** The load of the forecast. */
const SESSIONS = 5000;
const STAY_S = 600;
const SECONDS_BETWEEN_MESSAGES = 10;
const NODES = [3, 10, 100, 1000];
/** Heartbeats of each node. */
const HEARTBEATS_PER_S = 1;
const NOTICE_BYTES = 85;

const number = (value, digits = 0) => value.toLocaleString('en', { maximumFractionDigits: digits });
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const percent = (perSecond, micros) => `${number((perSecond * micros) / 1e4, 1)} %`;

/** Formats unit costs and a forecast for clusters of several sizes. */
export function report({ machine, messages, events }) {
  const costs = messages.map(({ title, rate, costs: of }) => [
    title,
    number(rate),
    Object.entries(of)
      .map(([name, cost]) => `${name} ${cost.toFixed(2)}`)
      .join(', '),
  ]);
  const pages = events.pages.map(({ sessions, snapshot, bytes, unchangedMs, changedMs }) => [
    number(sessions),
    snapshot.toFixed(2),
    number(bytes),
    unchangedMs.toFixed(2),
    changedMs.toFixed(2),
  ]);
  return `<!-- measured -->

Measured by \`node bench/cluster.js --write\` (${machine}). Both nodes and NATS
share one core and the clients have another, so the results are costs and not throughput.

${table(['load', 'deliveries/s on that core', 'µs of processor time for each delivery'], costs)}

${table(
  ['event of another node', 'µs on the receiving node', 'µs on NATS'],
  [
    ['an arrival or departure, one in a message', events.events1.toFixed(1), events.natsEvents1.toFixed(1)],
    ['an arrival or departure, 50 in a message', events.events50.toFixed(1), events.natsEvents50.toFixed(1)],
    ['a heartbeat', events.heartbeat.toFixed(1), ''],
    ['an event of its own, which NATS echoes', events.echo.toFixed(1), ''],
  ],
)}

${table(
  [
    'sessions on other nodes',
    'µs a session in a snapshot',
    'bytes a session',
    'page of `sys.who`, ms',
    'the same page after an arrival, ms',
  ],
  pages,
)}

An arrival is in \`sys.who\` on another node after ${events.visibleMs.median.toFixed(1)} ms, the median of 200; the
longest time was ${events.visibleMs.max.toFixed(1)} ms.

### Forecast

With ${number(SESSIONS)} sessions on each node, which stay for ten minutes and send one message in ten seconds to a random
session. Shares are of one core.

${table(['on each node, by number of nodes', ...NODES.map((nodes) => number(nodes))], forecast(messages, events))}

<!-- measured end -->`;
}

function forecast(messages, events) {
  const perMessage = (title) => messages.find((each) => each.title === title).costs;
  const between = perMessage('direct, 1 in flight, between nodes');
  const fan = perMessage('broadcast to 1,000, no backplane');
  const eventsPerS = (2 * SESSIONS) / STAY_S;
  const sentPerS = SESSIONS / SECONDS_BETWEEN_MESSAGES;
  const bytes = events.pages.at(-1).bytes;
  const line = (title, of) => [title, ...NODES.map((nodes) => of(nodes))];
  const others = (nodes) => nodes - 1;
  return [
    line('sessions in the cluster', (nodes) => number(nodes * SESSIONS)),
    line('direct messages, sent and received', () => percent(sentPerS, between.node1 + between.node2)),
    line('arrivals and departures of other nodes', (nodes) => percent(others(nodes) * eventsPerS, events.events1)),
    line('heartbeats of other nodes', (nodes) => percent(others(nodes) * HEARTBEATS_PER_S, events.heartbeat)),
    line('departure notices to all sessions, at most (`NOTICE_SCOPE=all`)', (nodes) =>
      percent((nodes * eventsPerS) / 2, fan.app * SESSIONS),
    ),
    line('memory for sessions on other nodes, MB', (nodes) => number((others(nodes) * SESSIONS * bytes) / 1e6)),
    line('joining: processing all snapshots, s', (nodes) =>
      number((others(nodes) * SESSIONS * events.pages.at(-1).snapshot) / 1e6, 1),
    ),
    line('death of a node: notices written by each other node, MB', () =>
      number((SESSIONS * SESSIONS * NOTICE_BYTES) / 1e6),
    ),
    line('NATS subscriptions', (nodes) => number(nodes * 4)),
    line('NATS: direct messages', (nodes) => percent(nodes * sentPerS, between.nats)),
    line('NATS: events and heartbeats', (nodes) =>
      percent(nodes * others(nodes) * (eventsPerS + HEARTBEATS_PER_S), events.natsEvents1),
    ),
  ];
}

/** Replaces the measured section of the document. @param {string} text */
export async function writeReport(text) {
  const written = readFileSync(FILE, 'utf8').replace(SECTION, () => text);
  writeFileSync(FILE, await format(written, { parser: 'markdown', printWidth: 120 }));
}
