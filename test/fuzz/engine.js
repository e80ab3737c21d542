import { mutate } from './mutator.js';
import { Random } from './random.js';

/** Inputs between two checks of the coverage. */
const BATCH = 64;
/** The inputs kept in the repository for one target. */
const MAX_KEPT = 48;
const MAX_KEPT_BYTES = 1280;

/** An input that breaks a rule of its target. */
export class Find extends Error {
  /** @param {string} target @param {Buffer} input @param {unknown} error */
  constructor(target, input, error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    super(`${target}: ${reason}\nreplay with: npm run fuzz -- --target ${target} --replay ${input.toString('hex')}`);
    this.input = input;
  }
}

/**
 * Fuzzes one target: inputs that run a line for the first time, or have an outcome for the first time, join the pool
 * out of which further inputs are made.
 */
export class Engine {
  /** @type {Buffer[]} */
  pool = [];
  executions = 0;
  #outcomes = new Set();

  /**
   * @param {import('./targets/target.js').Target} target
   * @param {import('./coverage.js').Coverage} coverage
   */
  constructor(target, coverage) {
    this.target = target;
    this.coverage = coverage;
  }

  get outcomes() {
    return this.#outcomes.size;
  }

  /** Runs each of these inputs and keeps all of them. @param {readonly Buffer[]} inputs @throws {Find} */
  async replay(inputs) {
    for (const input of inputs) await this.#run(input);
    this.coverage.take();
    this.pool.push(...inputs);
  }

  /** Makes and runs inputs for so long. @param {number} seed @param {number} seconds @throws {Find} */
  async fuzz(seed, seconds) {
    const random = new Random(seed);
    const endMs = performance.now() + seconds * 1000;
    while (performance.now() < endMs) await this.#batch(random);
  }

  /** Chooses the few small inputs that together run all that the pool runs, with every outcome. */
  async minimised() {
    this.coverage.clear();
    this.#outcomes.clear();
    const kept = [];
    for (const input of this.pool.toSorted((one, other) => one.length - other.length)) {
      if (input.length > MAX_KEPT_BYTES || kept.length === MAX_KEPT) break;
      const isNewOutcome = await this.#run(input);
      if (this.coverage.take() > 0 || isNewOutcome) kept.push(input);
    }
    return kept;
  }

  async #batch(random) {
    const inputs = [];
    for (let count = 0; count < BATCH; count++) {
      const input = mutate(random, this.pool, this.target);
      inputs.push(input);
      if (await this.#run(input)) this.pool.push(input);
    }
    if (!this.coverage.isNew()) return;
    for (const input of inputs) {
      await this.#run(input);
      if (this.coverage.take() > 0) this.pool.push(input);
    }
  }

  /** Returns whether the outcome is a new one. */
  async #run(input) {
    this.executions++;
    let outcome;
    try {
      outcome = await this.target.run(input);
    } catch (error) {
      throw new Find(this.target.name, await this.#shrunk(input, error), error);
    }
    if (this.#outcomes.has(outcome)) return false;
    this.#outcomes.add(outcome);
    return true;
  }

  /** Leaves out of an input whatever it fails without in the same way. */
  async #shrunk(input, error) {
    for (let step = input.length >> 1; step > 0; step >>= 1)
      for (let at = 0; at < input.length;) {
        const shorter = Buffer.concat([input.subarray(0, at), input.subarray(at + step)]);
        if (await this.#failsLike(shorter, error)) input = shorter;
        else at += step;
      }
    return input;
  }

  async #failsLike(input, error) {
    try {
      await this.target.run(input);
      return false;
    } catch (other) {
      return other?.name === error?.name && other?.code === error?.code;
    }
  }
}
