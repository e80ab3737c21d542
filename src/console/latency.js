const INTERVAL_MS = 2000;
const MAX_SAMPLES = 24;
const WIDTH = 120;
const HEIGHT = 32;

/** Measures the round trip of `sys.ping` and draws the last samples. */
export class Latency {
  #samples = [];
  #pings = 0;
  #sentAt;
  #timer;
  #line = createSvg('polyline', 'line');
  #area = createSvg('polygon', 'area');

  constructor(connection, { chart, latency }) {
    this.connection = connection;
    this.chart = chart;
    this.number = latency;
    chart.append(this.#area, this.#line);
    connection.addEventListener('state', () => this.#restart());
    connection.addEventListener('frame', ({ detail }) => !detail.out && this.#read(detail.envelope));
    this.#draw();
  }

  #restart() {
    clearInterval(this.#timer);
    this.#sentAt = undefined;
    if (this.connection.state !== 'open') return this.#draw();
    this.#samples = [];
    this.#ping();
    this.#timer = setInterval(() => this.#ping(), INTERVAL_MS);
    return undefined;
  }

  /** Skips the ping in a hidden tab, and while the last ping has no answer. */
  #ping() {
    if (document.hidden || this.#sentAt !== undefined) return;
    this.#pings += 1;
    this.#sentAt = performance.now();
    this.connection.send(JSON.stringify({ type: 'sys.ping', id: `console-ping-${this.#pings}` }));
  }

  #read({ type, ref }) {
    if (this.#sentAt === undefined || ref !== `console-ping-${this.#pings}`) return;
    if (type === 'sys.pong') this.#samples.push(performance.now() - this.#sentAt);
    this.#sentAt = undefined;
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    this.#draw();
  }

  #draw() {
    const samples = this.connection.state === 'open' ? this.#samples : [];
    const maxMs = Math.max(1, ...samples);
    const points = samples.map((ms, index) => {
      const x = WIDTH - (samples.length - 1 - index) * (WIDTH / (MAX_SAMPLES - 1));
      return [x.toFixed(1), (HEIGHT - 3 - (ms / maxMs) * (HEIGHT - 8)).toFixed(1)];
    });
    const line = points.map((point) => point.join(',')).join(' ');
    this.#line.setAttribute('points', line);
    this.#area.setAttribute('points', points.length ? `${points[0][0]},${HEIGHT} ${line} ${WIDTH},${HEIGHT}` : '');
    const lastMs = samples.at(-1);
    this.number.textContent = lastMs === undefined ? '–' : format(lastMs);
    this.chart.setAttribute(
      'aria-label',
      lastMs === undefined ? 'Latency: unknown' : `Latency: ${format(lastMs)} ms, recent maximum ${format(maxMs)} ms`,
    );
  }
}

const format = (ms) => (ms < 10 ? ms.toFixed(1) : String(Math.round(ms)));

function createSvg(name, className) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  element.setAttribute('class', className);
  return element;
}
