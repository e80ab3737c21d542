/**
 * Code under the fuzzer, with the rules that hold for every input.
 *
 * @typedef {object} Target
 * @property {string} name
 * @property {readonly string[]} modules parts of the addresses of the modules whose coverage counts
 * @property {readonly Buffer[]} dictionary words that mean something to the code
 * @property {string} separators characters behind which a word of the dictionary is likely to fit
 * @property {readonly Buffer[]} seeds inputs to begin with
 * @property {number} maxBytes the longest input
 * @property {(input: Buffer) => string | Promise<string>} run throws where a rule is broken; returns the kind of outcome,
 *   one of few
 * @property {() => Promise<void>} [close]
 */

/** A rule that does not hold. */
export class Broken extends Error {
  /** @param {string} rule @param {unknown} [details] */
  constructor(rule, details) {
    super(details === undefined ? rule : `${rule}: ${JSON.stringify(details)}`);
    this.name = 'Broken';
    this.code = rule;
  }
}

/** @param {readonly string[]} texts */
export function words(...texts) {
  return texts.map((text) => Buffer.from(text, 'latin1'));
}
