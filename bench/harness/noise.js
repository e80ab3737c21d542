import { ratioText } from './samples.js';

/** The largest difference of plain ws from itself on a quiet machine. */
const QUIET = 0.03;

/** The A/A controls: plain ws against itself. Smaller differences between other servers are noise. */
export class Noise {
  #controls;

  /** @param {import('./samples.js').PairedSamples[]} results of all versions of Node */
  constructor(results) {
    this.#controls = results.flatMap((samples) => {
      const ratio = samples.ratio('ws-again', 'plain-ws');
      const { name, result } = samples.scenario;
      return ratio ? [{ name, result, ratio, width: Math.max(1 - ratio.min, ratio.max - 1) }] : [];
    });
  }

  /** Compares a ratio with the controls of the same measured field, or without one with the first control. */
  standing({ result }, ratio) {
    const own = this.#controls.filter((control) => control.result === result);
    const width = Math.max(0, ...(own.length > 0 ? own : this.#controls.slice(0, 1)).map((control) => control.width));
    if (Math.abs(ratio - 1) <= width) return 'level';
    return ratio > 1 ? 'ahead' : 'behind';
  }

  /** Lists the controls. */
  text() {
    const controls = this.#controls.map(({ name, ratio }) => `\`${name}\` ${ratioText(ratio)}`);
    return controls.length > 0 ? controls.join(', ') : 'not measured';
  }

  /** Says in which controls the machine was not quiet; empty if in none. */
  warning() {
    const loud = this.#controls.filter(({ width }) => width > QUIET);
    if (loud.length === 0) return '';
    const parts = loud.map(({ name, width }) => `${(width * 100).toFixed(0)} % in \`${name}\``);
    return `\n**This run was noisy: plain ws against itself differed by up to ${parts.join(', ')}.**
Ratios closer to 1 than that say nothing, and are listed as level.\n`;
  }
}
