import { machineText, projectText, versionsText } from './machine.js';
import { figure, ratioText } from './samples.js';
import { servers } from './servers.js';

/** A share of a core that, used by others, makes a run worth repeating. */
const QUIET = 0.05;
const title = (name) => servers.find((server) => server.name === name).title;

/** bench/RESULTS.md: the ratios that are aimed at, then everything that was measured. */
export function report(sets, { rounds, minutes }) {
  return `# Benchmark results

Written by \`npm run bench\`; what each scenario is and why the figures are ratios stands in [README.md](README.md).

- Switchboard ${projectText()}, default settings with the rate limits off
- ${versionsText()}
- ${machineText()}
- ${new Date().toISOString().slice(0, 10)}, ${rounds} rounds of ${sets.map(({ seconds }) => seconds).join(' or ')} s each, ${minutes.toFixed(1)} minutes in all
- server on core 0, generator on core 1 with \`--spin\`; every message verified, in every run
- ${noise(sets)}

A ratio says how many times better the first is than the second: more a second, or less of time and memory. It is taken
within each round; shown is the median with the least and the greatest of the rounds.

To repeat: \`npm ci && npm run bench\` on Linux with two cores and gcc; a single line with
\`npm run bench -- --only pp8 --peers switchboard,plain-ws\`.
${sets.map(section).join('')}`;
}

function section({ version, seconds, results }) {
  return `
## Node ${version}

Rounds of ${seconds} s.

### Switchboard against the others

${table(['scenario', 'against', 'times better', 'target', ''], results.flatMap(targets))}

### Everything measured

Medians, with the ratio to plain ws.

${table(['scenario', 'server', 'median', 'spread', 'to plain ws'], results.flatMap(figures))}
${failures(results)}`;
}

function targets(samples) {
  const { name, unit, most } = samples.scenario;
  const against = Object.entries(samples.scenario.targets).filter(([peer]) => !samples.unavailable.has(peer));
  const rows = against.map(([peer, least]) => {
    const ratio = samples.ratio('switchboard', peer);
    return [name, title(peer), ratio ? ratioText(ratio) : '–', `${least} ×`, verdict(ratio && ratio.median >= least)];
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
  return scenario.servers.map(({ name }) => {
    const values = samples.values(name);
    if (!values)
      return [scenario.name, title(name), samples.unavailable.has(name) ? 'not on this Node' : 'failed', '', ''];
    const ratio = samples.ratio(name, 'plain-ws');
    const median = `${figure(values.median)} ${scenario.unit}`;
    const range = `${figure(values.min)}–${figure(values.max)}`;
    return [scenario.name, title(name), median, range, ratio ? ratioText(ratio) : ''];
  });
}

function failures(results) {
  const lines = results.flatMap(({ scenario, failures: failed }) =>
    failed.map((text) => `- ${scenario.name}, ${text}`),
  );
  return lines.length ? `\nFailed:\n\n${lines.join('\n')}\n` : '';
}

/** What the control says of this run: differences within it mean nothing. */
function noise(sets) {
  const results = sets.flatMap((set) => set.results);
  const control = results.find(({ scenario }) => scenario.name === 'control')?.ratio('ws-again', 'plain-ws');
  const foreign = Math.max(...results.map((samples) => samples.foreign));
  const others = `others used at most ${(foreign * 100).toFixed(0)} % of a core during a sample`;
  const advice = foreign > QUIET ? ': not a quiet machine, repeat it on one' : '';
  return `A/A control, plain ws against itself: ${control ? ratioText(control) : 'failed'}; ${others}${advice}`;
}

/** Padded as prettier would, so that a written file passes the format check. */
function table(head, rows) {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((cells) => cells[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
