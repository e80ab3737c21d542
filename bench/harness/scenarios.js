import { betweenNodes } from './scenarios/between-nodes.js';
import { control, oneProcess } from './scenarios/one-process.js';
import { resumable } from './scenarios/resumable.js';
import { rooms } from './scenarios/rooms.js';
import { processTls, wholeWay } from './scenarios/whole-way.js';
import { withBase } from './servers.js';

/** The scenarios by the sections of the report, in its order. @type {{ title: string, scenarios: import('./scenarios/scenario.js').Scenario[] }[]} */
export const sections = [
  { title: 'The noise', scenarios: [control] },
  { title: 'The whole way: TLS, nginx, the server and back', scenarios: wholeWay },
  { title: 'Between two nodes', scenarios: betweenNodes },
  { title: 'TLS by the process itself', scenarios: processTls },
  { title: 'One process without TLS', scenarios: oneProcess },
  { title: 'Resumable sessions', scenarios: resumable },
  { title: 'Rooms', scenarios: rooms },
];
export const scenarios = sections.flatMap((section) => section.scenarios);

const quick = ['control', 'wss8', 'pp8', 'mesh', 'pp1', 'fan', 'lone', 'handler'];
const quickPeers = ['switchboard', 'plain-ws', 'ws-again', 'uws-corked', 'nest-validation'];
/** Scenarios of the run on the older Node, and their peers; more would take too long. */
const older = ['wss8', 'wss1', 'pp8', 'mesh', 'pp1', 'pp4k', 'fan', 'lone', 'handler', 'idle19k'];
const olderPeers = ['switchboard', 'switchboard-tcp', 'plain-ws', 'plain-ws-unix'];

/** Selects the scenarios of a run, each with its servers. @param {import('./options.js').Options} options */
export function choose(options) {
  const { base } = options;
  const names = options.only ?? (options.quick ? quick : scenarios.map(({ name }) => name));
  const known = [...new Set(scenarios.flatMap(({ servers }) => servers.map(({ name }) => name)))];
  const peers = options.peers ?? (options.quick ? quickPeers : known);
  requireKnown(names, ['idle', ...scenarios.map(({ name }) => name)]);
  requireKnown(peers, known);
  const wanted = ({ name }) => names.includes(name) || (name.startsWith('idle') && names.includes('idle'));
  return withServers(scenarios.filter(wanted), peers).map((scenario) =>
    base ? { ...scenario, servers: withBase(scenario.servers, base) } : scenario,
  );
}

/** Selects the scenarios for the older version of Node. */
export function forOlderNode(chosen) {
  return chosen
    .filter(({ name }) => older.includes(name))
    .flatMap((scenario) =>
      withServers([scenario], scenario.name === 'handler' ? ['switchboard', 'nest-validation'] : olderPeers),
    );
}

function withServers(chosen, peers) {
  return chosen
    .map((scenario) => ({ ...scenario, servers: scenario.servers.filter(({ name }) => peers.includes(name)) }))
    .filter(({ servers }) => servers.length > 0);
}

function requireKnown(names, known) {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  console.error(`bench: unknown ${unknown.join(', ')}; use ${known.join(', ')}`);
  process.exit(2);
}
