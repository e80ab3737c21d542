import { figure } from './samples.js';

/** The whole way first, then between nodes, then the process alone. */
const shown = 'wss8 wss1 wssfan wssidle cross8 cross1 pp8 mesh pp1 pp4k fan rooms handler lone99 open10k'.split(' ');
const columns = 2;
const panel = { width: 580, left: 230, bar: 180, row: 22, head: 52, gap: 18 };
const colours = { switchboard: '#0b7285', other: '#868e96' };
/** The first part of a server is the application; the others, such as nginx, are lighter. */
const opacities = [1, 0.5, 0.3, 0.2];

/** Draws docs/bench.svg: one panel of bars for each scenario, each with its own scale. */
export function chart({ version, results }) {
  const panels = shown.flatMap((name) => results.find(({ scenario }) => scenario.name === name) ?? []);
  const lines = Array.from({ length: Math.ceil(panels.length / columns) }, (_, at) =>
    panels.slice(at * columns, (at + 1) * columns),
  );
  const [width, top] = [columns * panel.width + 20, 40];
  let y = top;
  const drawn = lines.flatMap((line) => {
    const placed = line.map((samples, at) => translate(drawPanel(samples), 10 + at * panel.width, y));
    y += Math.max(...line.map((samples) => heightOf(samples)));
    return placed;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Switchboard and its peers">
<rect width="100%" height="100%" rx="6" fill="#fff"/>
<text x="20" y="26" font-size="15" font-weight="600">All parts of a server on one core; Node ${version}, uWebSockets.js on Node 20</text>
${drawn.join('\n')}
</svg>
`;
}

function translate(drawing, x, y) {
  return `<g transform="translate(${x} ${y})">${drawing}</g>`;
}

/** Returns the servers that have a result, without the A/A control. */
function rowsOf(samples) {
  return samples.scenario.servers.filter(({ name }) => name !== 'ws-again' && samples.values(name));
}

function heightOf(samples) {
  return panel.head + rowsOf(samples).length * panel.row + panel.gap;
}

function drawPanel(samples) {
  const { name, title, unit, lowerIsBetter } = samples.scenario;
  const rows = rowsOf(samples);
  const most = Math.max(...rows.map((server) => samples.values(server.name).median));
  const bars = rows.map((server, at) => drawBar(samples, server, panel.head + at * panel.row, most));
  const direction = lowerIsBetter ? 'shorter is better' : 'longer is better';
  return `<text x="10" y="22" font-weight="600">${name} <tspan font-weight="400" fill="#495057">${escape(title)}</tspan></text><text x="10" y="40" font-size="10" fill="#495057">${unit}${partNames(samples, rows)}; ${direction}</text>${bars.join('')}`;
}

/** Names the parts in the order of the bars, ", app and nginx". */
function partNames(samples, rows) {
  const names = [...new Set(rows.flatMap(({ name }) => samples.parts(name).map(([part]) => part)))];
  return names.length > 1 ? `, ${names.join(' + ')}` : '';
}

function drawBar(samples, { name, title }, y, most) {
  const { median } = samples.values(name);
  const scale = panel.bar / most;
  const ratio = name === 'plain-ws' ? undefined : samples.ratio(name, 'plain-ws');
  const label = `${figure(median)}${ratio ? ` · ${ratio.median.toFixed(1)} ×` : ''}`;
  const colour = name.startsWith('switchboard') ? colours.switchboard : colours.other;
  const text = `y="${y + 12}" fill="#212529"`;
  const end = panel.left + Math.max(1, median * scale) + 6;
  return `<text x="${panel.left - 8}" ${text} text-anchor="end">${escape(short(title))}</text>${drawParts(samples, name, y, scale, colour)}<text x="${end.toFixed(1)}" ${text}>${label}</text>`;
}

/** Draws a bar of one piece for each part. The pieces fill the length of the median; medians of parts have another sum. */
function drawParts(samples, name, y, scale, colour) {
  const { median } = samples.values(name);
  const parts = samples.parts(name).map(([, share]) => share);
  const shares = parts.length > 0 ? parts : [1];
  const total = shares.reduce((sum, share) => sum + share, 0) || 1;
  let x = panel.left;
  return shares
    .map((share, at) => {
      const length = Math.max(shares.length > 1 ? 0 : 1, (share / total) * median * scale);
      const place = `x="${x.toFixed(1)}" y="${y}" width="${length.toFixed(1)}" height="16"`;
      const piece = `<rect ${place} fill="${colour}" fill-opacity="${opacities[at] ?? 0.2}"/>`;
      x += length;
      return piece;
    })
    .join('');
}

/** Leaves out what is in brackets. */
function short(title) {
  return title.replaceAll(/ \([^)]*\)/g, '');
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
