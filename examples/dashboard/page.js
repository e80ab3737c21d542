/** Draws one card for each name: the last value and a line of the previous ones. */
const MAX_CARDS = 24;
const MAX_POINTS = 120;
const MAX_WAIT_MS = 30_000;
const SVG = 'http://www.w3.org/2000/svg';

const cards = new Map();
let failures = 0;

connect();

function connect() {
  const socket = new WebSocket(new URL('../wss', import.meta.url.replace('http', 'ws')));
  socket.addEventListener('message', ({ data }) => receive(JSON.parse(data)));
  socket.addEventListener('close', ({ code }) => {
    // docs/protocol.md: a client must not reconnect after these close codes.
    if ([1002, 1003, 1007, 1008, 1009].includes(code) || (code >= 4000 && code < 4100)) {
      show(`the server closed the connection (${code})`);
      return;
    }
    const waitMs = Math.random() * Math.min(MAX_WAIT_MS, 1000 * 2 ** failures++);
    show('not connected; reconnecting');
    setTimeout(connect, waitMs);
  });
}

function receive({ type, data }) {
  if (type === 'sys.welcome') {
    failures = 0;
    show('connected; waiting for values');
  } else if (type === 'dashboard.values') {
    for (const [name, value] of Object.entries(data.values)) draw(name, value);
    show(`last values at ${new Date(data.atMs).toLocaleTimeString()}`);
  }
}

function draw(name, value) {
  const card = cards.get(name) ?? newCard(name);
  if (card === undefined || typeof value !== 'number') return;
  card.points.push(value);
  if (card.points.length > MAX_POINTS) card.points.shift();
  card.output.value = value.toLocaleString();
  const low = Math.min(...card.points);
  const span = Math.max(...card.points) - low || 1;
  const spots = card.points.map((point, index) => `${index},${38 - ((point - low) / span) * 36}`);
  card.line.setAttribute('points', spots.join(' '));
}

function newCard(name) {
  if (cards.size >= MAX_CARDS) return undefined;
  const section = document.createElement('section');
  const title = document.createElement('h2');
  title.textContent = name;
  const output = document.createElement('output');
  output.setAttribute('aria-label', name);
  const chart = document.createElementNS(SVG, 'svg');
  chart.setAttribute('viewBox', `0 0 ${MAX_POINTS} 40`);
  chart.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'polyline');
  chart.append(line);
  section.append(title, output, chart);
  document.getElementById('values').append(section);
  const card = { points: [], output, line };
  cards.set(name, card);
  return card;
}

function show(state) {
  document.getElementById('state').textContent = state;
}
