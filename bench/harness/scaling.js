import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

const FILE = fileURLToPath(new URL('../../docs/scaling.md', import.meta.url));
const PART = /<!-- measured -->.*<!-- measured end -->/s;
/** The load that the tables are worked out for. */
const SESSIONS = 5000;
const STAY_S = 600;
const SECONDS_BETWEEN_MESSAGES = 10;
const NODES = [3, 10, 100, 1000];
/** One a second of each node, and so many news a node at most: what comes in one turn travels together. */
const BEATS_PER_S = 1;
const NOTICE_BYTES = 85;

const number = (value, digits = 0) => value.toLocaleString('en', { maximumFractionDigits: digits });
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const percent = (perSecond, micros) => `${number((perSecond * micros) / 1e4, 1)} %`;

/** Unit costs, and what they come to in clusters of several sizes. */
export function report({ machine, messages, heard }) {
  const costs = messages.map(({ title, rate, costs: of }) => [
    title,
    number(rate),
    Object.entries(of)
      .map(([name, cost]) => `${name} ${cost.toFixed(2)}`)
      .join(', '),
  ]);
  const pages = heard.pages.map(({ sessions, snapshot, bytes, quietMs, changedMs }) => [
    number(sessions),
    snapshot.toFixed(2),
    number(bytes),
    quietMs.toFixed(2),
    changedMs.toFixed(2),
  ]);
  return `<!-- measured -->

Measured by \`node bench/cluster.js --write\` (${machine}). Both nodes and NATS
share one core, and the clients have another core. Compare the processor time, not the throughput.

${table(['what', 'delivered/s by that one core', 'µs of processor time for each delivered'], costs)}

${table(
  ['what one node receives from another', 'µs on that node', 'µs on NATS'],
  [
    ['an arrival or departure, one in a message', heard.news1.toFixed(1), heard.natsNews1.toFixed(1)],
    ['an arrival or departure, 50 in a message', heard.news50.toFixed(1), heard.natsNews50.toFixed(1)],
    ['a heartbeat', heard.heartbeat.toFixed(1), ''],
  ],
)}

${table(
  [
    'sessions on other nodes',
    'µs a session in a snapshot',
    'bytes a session',
    'page of `sys.who`, ms',
    'the same after an arrival, ms',
  ],
  pages,
)}

An arrival is in the \`sys.who\` of another node after ${heard.seenMs.median.toFixed(1)} ms, the median of 200; the
maximum was ${heard.seenMs.most.toFixed(1)} ms.

### Estimates

For ${number(SESSIONS)} sessions on each node, which stay ten minutes and each send one direct message in ten seconds. The
percentages are shares of one core.

${table(['for each node, by number of nodes', ...NODES.map((nodes) => number(nodes))], forecast(messages, heard))}

<!-- measured end -->`;
}

function forecast(messages, heard) {
  const perMessage = (title) => messages.find((each) => each.title === title).costs;
  const between = perMessage('direct, 1 in flight, between nodes');
  const fan = perMessage('broadcast to 1,000, no backplane');
  const comingsPerS = (2 * SESSIONS) / STAY_S;
  const sentPerS = SESSIONS / SECONDS_BETWEEN_MESSAGES;
  const bytes = heard.pages.at(-1).bytes;
  const line = (title, of) => [title, ...NODES.map((nodes) => of(nodes))];
  const others = (nodes) => nodes - 1;
  return [
    line('sessions of all nodes', (nodes) => number(nodes * SESSIONS)),
    line('direct messages, sending and receiving', () => percent(sentPerS, between.one + between.two)),
    line('receiving arrivals and departures', (nodes) => percent(others(nodes) * comingsPerS, heard.news1)),
    line('receiving heartbeats', (nodes) => percent(others(nodes) * BEATS_PER_S, heard.heartbeat)),
    line('sending each departure to all sessions, at most (`NOTICE_SCOPE=all`)', (nodes) =>
      percent((nodes * comingsPerS) / 2, fan.node * SESSIONS),
    ),
    line('memory for sessions on other nodes, MB', (nodes) => number((others(nodes) * SESSIONS * bytes) / 1e6)),
    line('joining: receiving all snapshots, s', (nodes) =>
      number((others(nodes) * SESSIONS * heard.pages.at(-1).snapshot) / 1e6, 1),
    ),
    line('a node dies: notices sent by each other node, MB', () => number((SESSIONS * SESSIONS * NOTICE_BYTES) / 1e6)),
    line('subscriptions in NATS', (nodes) => number(nodes * 4)),
    line('all of NATS: direct messages', (nodes) => percent(nodes * sentPerS, between.nats)),
    line('all of NATS: events and heartbeats', (nodes) =>
      percent(nodes * others(nodes) * (comingsPerS + BEATS_PER_S), heard.natsNews1),
    ),
  ];
}

/** Puts the tables where the document has its place for them. @param {string} text */
export async function writeReport(text) {
  const written = readFileSync(FILE, 'utf8').replace(PART, () => text);
  writeFileSync(FILE, await format(written, { parser: 'markdown', printWidth: 120 }));
}
