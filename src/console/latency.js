const EVERY_MS = 2000;
const MOST_SAMPLES = 24;
const WIDTH = 120;
const HEIGHT = 32;

/** Asks the server for a pong now and then, and draws how long it took. */
export class Latency {
  #samples = [];
  #asked = 0;
  #sentAt;
  #timer;
  #line = svg('polyline', 'line');
  #area = svg('polygon', 'area');

  constructor(link, { chart, latency }) {
    this.link = link;
    this.chart = chart;
    this.number = latency;
    chart.append(this.#area, this.#line);
    link.addEventListener('state', () => this.#begin());
    link.addEventListener('frame', ({ detail }) => !detail.out && this.#read(detail.envelope));
    this.#draw();
  }

  #begin() {
    clearInterval(this.#timer);
    this.#sentAt = undefined;
    if (this.link.state !== 'open') return this.#draw();
    this.#samples = [];
    this.#ask();
    this.#timer = setInterval(() => this.#ask(), EVERY_MS);
    return undefined;
  }

  /** A tab that nobody sees asks nothing; one that waits for an answer does not ask again. */
  #ask() {
    if (document.hidden || this.#sentAt !== undefined) return;
    this.#asked += 1;
    this.#sentAt = performance.now();
    this.link.send(JSON.stringify({ type: 'sys.ping', id: `console-ping-${this.#asked}` }));
  }

  #read({ type, ref }) {
    if (this.#sentAt === undefined || ref !== `console-ping-${this.#asked}`) return;
    if (type === 'sys.pong') this.#samples.push(performance.now() - this.#sentAt);
    this.#sentAt = undefined;
    if (this.#samples.length > MOST_SAMPLES) this.#samples.shift();
    this.#draw();
  }

  #draw() {
    const samples = this.link.state === 'open' ? this.#samples : [];
    const highest = Math.max(1, ...samples);
    const points = samples.map((ms, at) => {
      const x = WIDTH - (samples.length - 1 - at) * (WIDTH / (MOST_SAMPLES - 1));
      return [x.toFixed(1), (HEIGHT - 3 - (ms / highest) * (HEIGHT - 8)).toFixed(1)];
    });
    const line = points.map((point) => point.join(',')).join(' ');
    this.#line.setAttribute('points', line);
    this.#area.setAttribute('points', points.length ? `${points[0][0]},${HEIGHT} ${line} ${WIDTH},${HEIGHT}` : '');
    const now = samples.at(-1);
    this.number.textContent = now === undefined ? '–' : shown(now);
    this.chart.setAttribute(
      'aria-label',
      now === undefined ? 'Latency: not known' : `Latency: ${shown(now)} ms, at most ${shown(highest)} ms of late`,
    );
  }
}

const shown = (ms) => (ms < 10 ? ms.toFixed(1) : String(Math.round(ms)));

function svg(name, className) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  made.setAttribute('class', className);
  return made;
}
