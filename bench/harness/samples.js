/**
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} min
 * @property {number} max
 */

/** The servers that each line of the terminal compares with, where they take part. */
const COMPARED = { 'plain-ws': 'plain ws', 'switchboard-base': 'base', 'switchboard-plain': 'not resumable' };

/** The samples of one scenario. Ratios are taken within a round, because a shared machine drifts from minute to minute. */
export class PairedSamples {
  #byServer = new Map();
  #parts = new Map();
  /** The reason for each server that cannot run on this machine. @type {Map<string, string>} */
  unavailable = new Map();
  failures = [];
  /** The largest share of a core used by other processes during a sample. */
  otherLoad = 0;

  /**
   * @param {import('./scenarios/scenario.js').Scenario} scenario
   * @param {{ rounds?: number, seconds?: number }} [effort] seconds are those of a round, and undefined where the load has its own
   */
  constructor(scenario, effort = {}) {
    this.scenario = scenario;
    this.effort = effort;
  }

  /** @param {ReturnType<PairedSamples['toJSON']>} saved @returns {PairedSamples} */
  static restore(scenario, { servers, effort, values, parts, unavailable, failures, otherLoad }) {
    const measured = scenario.servers.filter(({ name }) => servers.includes(name));
    const samples = new PairedSamples({ ...scenario, servers: measured }, effort);
    samples.#byServer = restoreLists(values);
    samples.#parts = restoreLists(parts);
    samples.unavailable = new Map(unavailable);
    return Object.assign(samples, { failures, otherLoad });
  }

  toJSON() {
    const { name, servers } = this.scenario;
    return {
      name,
      servers: servers.map((server) => server.name),
      effort: this.effort,
      values: [...this.#byServer],
      parts: [...this.#parts],
      unavailable: [...this.unavailable],
      failures: this.failures,
      otherLoad: this.otherLoad,
    };
  }

  /** @param {import('./measure.js').Measurement} measurement */
  add(server, round, { value, parts, otherLoad }) {
    listOf(this.#byServer, server)[round] = value;
    for (const [part, share] of Object.entries(parts ?? {})) listOf(this.#parts, `${server} ${part}`)[round] = share;
    this.otherLoad = Math.max(this.otherLoad, otherLoad);
  }

  /** @returns {Spread | undefined} */
  values(server) {
    return spread(this.#byServer.get(server) ?? []);
  }

  /** Returns the medians of the parts of a server; none if it has only one part. @returns {[string, number][]} */
  parts(server) {
    const own = [...this.#parts].filter(([name]) => name.startsWith(`${server} `));
    return own.length < 2 ? [] : own.map(([name, values]) => [name.slice(server.length + 1), spread(values).median]);
  }

  /** Formats the medians of the parts of a server, "app 1.1, nginx 1.02". */
  partsText(server) {
    const parts = this.parts(server);
    return parts.map(([name, median]) => `${name} ${figure(median)}`).join(', ');
  }

  /** Returns how many times better a server is than a peer: more a second, or less time or memory. @returns {Spread | undefined} */
  ratio(server, peer) {
    const peerValues = this.#byServer.get(peer) ?? [];
    const values = this.#byServer.get(server) ?? [];
    return spread(
      values.map((value, round) =>
        this.scenario.lowerIsBetter ? peerValues[round] / value : value / peerValues[round],
      ),
    );
  }

  /** Returns how much more a server has than a peer, in the scenario's unit. @returns {Spread | undefined} */
  excess(server, peer) {
    const peerValues = this.#byServer.get(peer) ?? [];
    return spread((this.#byServer.get(server) ?? []).map((value, round) => value - peerValues[round]));
  }

  /** Formats the result of one server for the terminal. */
  line(server) {
    const values = this.values(server);
    if (!values) return this.missing(server);
    const ratios = Object.entries(COMPARED).flatMap(([peer, title]) => {
      const ratio = this.ratio(server, peer);
      return ratio ? [`${ratioText(ratio)} ${title}`] : [];
    });
    const parts = this.partsText(server);
    return [figure(values.median).padStart(9), ...ratios, ...(parts ? [`(${parts})`] : [])].join('  ');
  }

  /** Says why a server has no result. */
  missing(server) {
    return this.unavailable.has(server) ? `left out: ${this.unavailable.get(server)}` : 'failed';
  }
}

/** JSON has null for a round without a value. */
function restoreLists(entries) {
  return new Map(entries.map(([name, values]) => [name, values.map((value) => value ?? Number.NaN)]));
}

function listOf(map, key) {
  if (!map.has(key)) map.set(key, []);
  return map.get(key);
}

/** @returns {Spread | undefined} */
export function spread(values) {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

/** Formats three significant digits, because a shared machine is no more precise. */
export function figure(value) {
  if (value >= 1000) return Math.round(Number(value.toPrecision(3))).toLocaleString('en');
  return Number(value.toPrecision(3)).toString();
}

/** "5.21 × (4.98–5.40)". @param {Spread} spread */
export function ratioText({ median, min, max }) {
  return `${median.toFixed(2)} × (${min.toFixed(2)}–${max.toFixed(2)})`;
}
