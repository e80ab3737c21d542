import { figure } from './samples.js';

const shown = ['pp8', 'mesh', 'pp1', 'pp4k', 'fan', 'handler'];
const columns = 2;
const panel = { width: 470, left: 160, bar: 165, row: 22, head: 48, gap: 18 };
const colours = { switchboard: '#0b7285', other: '#adb5bd' };

/** Draws docs/bench.svg: one panel of bars for each scenario, each with its own scale. */
export function chart({ version, results }) {
  const panels = results.filter(({ scenario }) => shown.includes(scenario.name));
  const tallest = Math.max(...panels.map((samples) => rowsOf(samples).length));
  const height = panel.head + tallest * panel.row + panel.gap;
  const lines = Math.ceil(panels.length / columns);
  const [width, total] = [columns * panel.width + 20, 40 + lines * height];

  const drawn = panels.map((samples, at) => {
    const [x, y] = [10 + (at % columns) * panel.width, 40 + Math.floor(at / columns) * height];
    return `<g transform="translate(${x} ${y})">${drawPanel(samples, rowsOf(samples))}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${total}" viewBox="0 0 ${width} ${total}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Throughput of Switchboard and its peers">
<rect width="100%" height="100%" rx="6" fill="#fff"/>
<text x="20" y="26" font-size="15" font-weight="600">Per second on one core, Node ${version}; longer is better</text>
${drawn.join('\n')}
</svg>
`;
}

/** Returns the servers that have a result. */
function rowsOf(samples) {
  return samples.scenario.servers.filter(({ name }) => samples.values(name));
}

function drawPanel(samples, rows) {
  const { name, title, unit } = samples.scenario;
  const most = Math.max(...rows.map((server) => samples.values(server.name).median));
  const bars = rows.map((server, at) => drawBar(samples, server, panel.head + at * panel.row, most));
  return `<text x="10" y="22" font-weight="600">${name} <tspan font-weight="400" fill="#495057">${escape(title)}</tspan></text><text x="10" y="38" font-size="10" fill="#868e96">${unit}</text>${bars.join('')}`;
}

function drawBar(samples, { name, title }, y, most) {
  const { median } = samples.values(name);
  const length = Math.max(1, (median / most) * panel.bar).toFixed(1);
  const ratio = name === 'plain-ws' ? undefined : samples.ratio(name, 'plain-ws');
  const label = `${figure(median)}${ratio ? ` · ${ratio.median.toFixed(1)} ×` : ''}`;
  const colour = name === 'switchboard' ? colours.switchboard : colours.other;
  const text = `y="${y + 12}" fill="#212529"`;
  return `<text x="${panel.left - 8}" ${text} text-anchor="end">${escape(title)}</text><rect x="${panel.left}" y="${y}" width="${length}" height="16" rx="2" fill="${colour}"/><text x="${panel.left + Number(length) + 6}" ${text}>${label}</text>`;
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
