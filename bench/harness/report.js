import { machineText, projectText, versionsText } from './machine.js';
import { figure, ratioText } from './samples.js';

/** The largest share of a core that other processes may use in a valid run. */
const MAX_OTHER_LOAD = 0.05;
const titleOf = ({ scenario }, name) => scenario.servers.find((server) => server.name === name).title;

/** Formats bench/RESULTS.md: the ratios with a target, then all results. */
export function report(sets, { rounds, minutes }) {
  return `# Benchmark results

Written by \`npm run bench\`; the scenarios and the reason for ratios are described in [README.md](README.md).

- Switchboard ${projectText()}, default settings with the rate limits off
- ${versionsText()}
- ${machineText()}
- ${new Date().toISOString().slice(0, 10)}, ${rounds} rounds of ${sets.map(({ seconds }) => seconds).join(' or ')} s each, ${minutes.toFixed(1)} minutes in all
- server on core 0, generator on core 1 with \`--spin\`; every message verified in every run
- ${noise(sets)}

A ratio is how many times better the first server is: more a second, or less time or memory. Ratios are taken within a
round. The tables show the median with the least and the greatest of all rounds.

To reproduce: \`npm ci && npm run bench\` on Linux with two cores and gcc; a single scenario with
\`npm run bench -- --only pp8 --peers switchboard,plain-ws\`.
${sets.map(section).join('')}`;
}

function section({ version, seconds, results }) {
  return `
## Node ${version}

Rounds of ${seconds} s.

### Switchboard against its peers

${table(['scenario', 'against', 'times better', 'target', ''], results.flatMap(targets))}

### All results

Medians, with the ratio to plain ws.

${table(['scenario', 'server', 'median', 'spread', 'to plain ws', 'parts'], results.flatMap(figures))}
${failures(results)}`;
}

function targets(samples) {
  const { name, unit, most } = samples.scenario;
  const against = Object.entries(samples.scenario.targets).filter(([peer]) => !samples.unavailable.has(peer));
  const rows = against.map(([peer, least]) => {
    const ratio = samples.ratio('switchboard', peer);
    return [
      name,
      titleOf(samples, peer),
      ratio ? ratioText(ratio) : '–',
      `${least} ×`,
      verdict(ratio && ratio.median >= least),
    ];
  });
  const own = samples.values('switchboard');
  if (most)
    rows.push([
      name,
      'itself',
      own ? `${figure(own.median)} ${unit}` : '–',
      `at most ${most} ${unit}`,
      verdict(own && own.median <= most),
    ]);
  return rows;
}

function verdict(met) {
  if (met === undefined) return '';
  return met ? 'met' : '**missed**';
}

function figures(samples) {
  const { scenario } = samples;
  return scenario.servers.map(({ name, title }) => {
    const values = samples.values(name);
    if (!values) return [scenario.name, title, samples.missing(name), '', '', ''];
    const ratio = samples.ratio(name, 'plain-ws');
    const median = `${figure(values.median)} ${scenario.unit}`;
    const range = `${figure(values.min)}–${figure(values.max)}`;
    return [scenario.name, title, median, range, ratio ? ratioText(ratio) : '', samples.parts(name)];
  });
}

function failures(results) {
  const lines = results.flatMap(({ scenario, failures: failed }) =>
    failed.map((text) => `- ${scenario.name}, ${text}`),
  );
  return lines.length ? `\nFailed:\n\n${lines.join('\n')}\n` : '';
}

/** Formats the control; smaller differences are noise. */
function noise(sets) {
  const results = sets.flatMap((set) => set.results);
  const control = results.find(({ scenario }) => scenario.name === 'control')?.ratio('ws-again', 'plain-ws');
  const otherLoad = Math.max(...results.map((samples) => samples.otherLoad));
  const others = `other processes used at most ${(otherLoad * 100).toFixed(0)} % of a core during a sample`;
  const advice = otherLoad > MAX_OTHER_LOAD ? ': repeat the run on a quiet machine' : '';
  return `A/A control, plain ws against itself: ${control ? ratioText(control) : 'failed'}; ${others}${advice}`;
}

/** Pads a table as prettier does, so that the written file passes the format check. */
function table(head, rows) {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((cells) => cells[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
