import { coverage } from './coverage.js';
import { Noise } from './noise.js';
import { projectDir } from './paths.js';
import { figure, ratioText } from './samples.js';
import { sections } from './scenarios.js';
import { imageFlags } from './servers.js';
import { table } from './table.js';
import { targetRows } from './targets.js';

/** The largest share of a core that other processes may use in a valid run. */
const MAX_OTHER_LOAD = 0.05;

/**
 * Formats bench/RESULTS.md: where Switchboard is ahead and behind, the targets, then all results.
 *
 * @param {import('./results.js').Run} run
 */
export function report({ facts, sets, minutes }) {
  const results = sets.flatMap((set) => set.results);
  const noise = new Noise(results);
  return `# Benchmark results

Written by \`npm run bench\`; [README.md](README.md) describes the method, the scenarios and the peers.
${noise.warning()}
- Switchboard ${facts.project}, default settings, but rate limits are off and \`LOG_LEVEL=error\`. \`ARRIVAL_NOTICES=off\` in
  \`leave\`, \`connects\`, \`return\`, \`cross…\`, \`room…\`, \`join\`, \`idle…\` and \`wssidle\`; the last two also have
  \`HEARTBEAT_MS=2000\`.
- Switchboard has the flags of Node of its image, \`${imageFlags(projectDir).join(' ')}\`. Peers have none, except the row "same
  flag".
- ${Object.entries(facts.versions)
    .map((entry) => entry.join(' '))
    .join(' · ')}
- ${facts.machine}
- ${facts.date}, ${minutes.toFixed(0)} min in all
- A/A controls, plain ws against itself: ${noise.text()}
- ${others(results)}

A ratio is how many times better Switchboard is: more a second, or less time or memory. Ratios are taken within a round. The
tables show the median, and in brackets the least and the greatest of all rounds.

## How we measure

- One machine with two cores, the loopback, no network. The server has one core, with its proxy, second node and broker if it
  has any, and the load generator has the other. On other machines the absolute figures differ, and the ratios may differ.
- Every server has the same task, except as listed below, and starts anew for each sample. In each round all servers run in
  turn. The order is shuffled, and reversed in every second round. The generator verifies the receiver, the sender, the order
  and every byte of every message. A sample with one wrong message counts as failed.
- A peer is a small program, written as its documentation does, or a server as its project ships it. The sources are in
  [peers](peers), and [README.md](README.md#peers) describes them. A faster program for a peer is welcome.
- Less than the task: the C router parses no JSON; nats-server reads no message and sets no sender; plain ws, Socket.IO and
  uWebSockets.js do not validate the fields of a message. This favours them.
- More than the task: Nest makes and validates a DTO for each message. Centrifugo checks permissions and answers each publish.
  This favours Switchboard.
- The load keeps the server busy, so messages wait for each other and a server can write several at once. Switchboard gains
  most there (\`wss8\`, \`cross8\`, \`pp8\`), less with one message in flight for a pair (\`wss1\`, \`cross1\`, \`pp1\`), and nothing
  with one in all (\`wsslone\`, \`lone\`).
- Behind nginx the result is the processor time of nginx and the server for each delivered message. nginx has the
  configuration of this project, one worker and TLS. Peers are reached over TCP, as their documentation shows.
  \`docker compose up\` connects Switchboard over a Unix socket instead. Each scenario also has Switchboard over TCP and
  plain ws over a Unix socket, so that both can be compared over the same kind of socket.
- Targets and scenarios were chosen by the authors of Switchboard. Where Switchboard is slower, the table "behind" says so,
  the worst first. A ratio that plain ws also reaches against itself, in a control of the same kind of result, is "level".

To reproduce: \`npm ci && npm run bench\` on Linux with two cores, gcc, nginx and the headers of OpenSSL; a single scenario
with \`npm run bench -- --only wss8 --peers switchboard,plain-ws\`.
${sets.map((set, at) => setText(set, at === 0, noise)).join('')}`;
}

function setText({ version, results }, first, noise) {
  const shown = sections.map(({ title, scenarios }) => ({ title, results: results.filter(isOneOf(scenarios)) }));
  return `
## Node ${version}

${coverage(results, first)}

### Where Switchboard is ahead

${comparison(results, noise, 'ahead')}

### Where Switchboard is level

${comparison(results, noise, 'level')}

### Where Switchboard is behind

${comparison(results, noise, 'behind')}

### Targets

${table(
  ['scenario', 'against', 'times better', 'target', ''],
  results.flatMap((samples) => targetRows(samples, version)),
)}
${shown
  .filter((section) => section.results.length > 0)
  .map(sectionText)
  .join('')}${failures(results)}`;
}

/** Returns whether a result is of one of the scenarios, or of its second field. */
function isOneOf(scenarios) {
  const names = new Set(scenarios.flatMap(({ name, also }) => [name, also?.name]));
  return ({ scenario }) => names.has(scenario.name);
}

/**
 * Lists the peers of each scenario with this standing. Behind, the worst is first; else scenarios have their order, and the
 * largest ratio is first.
 */
function comparison(results, noise, standing) {
  const rows = results.flatMap((samples) => {
    const { scenario } = samples;
    const against = ratios(samples)
      .filter(({ ratio }) => noise.standing(scenario, ratio) === standing)
      .toSorted((a, b) => (standing === 'behind' ? a.ratio - b.ratio : b.ratio - a.ratio));
    return against.length > 0 ? [{ scenario, against }] : [];
  });
  if (rows.length === 0) return 'In no scenario.';
  if (standing === 'behind') rows.sort((a, b) => a.against[0].ratio - b.against[0].ratio);
  const cells = rows.map(({ scenario: { name, title }, against }) => [
    name,
    title,
    against.map((peer) => `${peer.title} ${peer.ratio.toFixed(2)} ×`).join('; '),
  ]);
  return table(['scenario', 'what is measured', 'Switchboard against'], cells);
}

/** Returns the ratio of Switchboard to each peer. */
function ratios(samples) {
  return samples.scenario.servers
    .filter(({ name }) => !name.startsWith('switchboard') && name !== 'ws-again')
    .map(({ name, title }) => ({ title, ratio: samples.ratio('switchboard', name)?.median }))
    .filter(({ ratio }) => ratio !== undefined);
}

function sectionText({ title, results }) {
  return `
### ${title}

${table(['scenario', 'server', 'median', 'spread', 'to plain ws', 'parts'], results.flatMap(figures))}
`;
}

function figures(samples) {
  const { scenario } = samples;
  return scenario.servers.map(({ name, title }) => {
    const values = samples.values(name);
    if (!values) return [scenario.name, title, samples.missing(name), '', '', ''];
    const ratio = samples.ratio(name, 'plain-ws');
    const median = `${figure(values.median)} ${scenario.unit}`;
    const range = `${figure(values.min)}–${figure(values.max)}`;
    return [scenario.name, title, median, range, ratio ? ratioText(ratio) : '', samples.partsText(name)];
  });
}

function failures(results) {
  const lines = results.flatMap(({ scenario, failures: failed }) =>
    failed.map((text) => `- ${scenario.name}, ${text.split('\n')[0].trim()}`),
  );
  return lines.length ? `\nFailed:\n\n${lines.join('\n')}\n` : '';
}

/** Says how much of a core other processes used. */
function others(results) {
  const most = Math.max(0, ...results.map(({ otherLoad }) => otherLoad));
  const advice = most > MAX_OTHER_LOAD ? ': repeat the run on a quiet machine' : '';
  return `other processes used at most ${(most * 100).toFixed(0)} % of a core during a sample${advice}`;
}
