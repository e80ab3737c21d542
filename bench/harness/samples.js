/**
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} min
 * @property {number} max
 */

/** The samples of one scenario. Ratios are taken within a round: a shared machine drifts from minute to minute. */
export class PairedSamples {
  #byServer = new Map();
  unavailable = new Set();
  failures = [];
  /** The worst share of a core that somebody else used during a sample. */
  foreign = 0;

  /** @param {import('./scenarios.js').Scenario} scenario */
  constructor(scenario) {
    this.scenario = scenario;
  }

  /** @param {import('./measure.js').Measurement} measurement */
  add(server, round, { value, foreign }) {
    if (!this.#byServer.has(server)) this.#byServer.set(server, []);
    this.#byServer.get(server)[round] = value;
    this.foreign = Math.max(this.foreign, foreign);
  }

  /** @returns {Spread | undefined} */
  values(server) {
    return spread(this.#byServer.get(server) ?? []);
  }

  /** How many times better the one is than the other: more a second, or less of time and memory. @returns {Spread | undefined} */
  ratio(server, to) {
    const theirs = this.#byServer.get(to) ?? [];
    const ours = this.#byServer.get(server) ?? [];
    return spread(
      ours.map((value, round) => (this.scenario.lowerIsBetter ? theirs[round] / value : value / theirs[round])),
    );
  }

  /** One server's result for people. */
  line(server) {
    const values = this.values(server);
    if (!values) return this.unavailable.has(server) ? 'not on this Node' : 'failed';
    const ratio = this.ratio(server, 'plain-ws');
    return `${figure(values.median).padStart(9)}  ${ratio ? `${ratioText(ratio)} plain ws` : ''}`;
  }
}

/** @returns {Spread | undefined} */
export function spread(values) {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

/** Three digits are all that a shared machine can vouch for. */
export function figure(value) {
  if (value >= 1000) return Math.round(Number(value.toPrecision(3))).toLocaleString('en');
  return Number(value.toPrecision(3)).toString();
}

/** "5.21 × (4.98–5.40)". @param {Spread} spread */
export function ratioText({ median, min, max }) {
  return `${median.toFixed(2)} × (${min.toFixed(2)}–${max.toFixed(2)})`;
}
