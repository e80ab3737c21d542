import { shownName } from './shown-name.js';

/** Matches every JSON text with a number that JavaScript may not hold, and some others: hexadecimal text, long strings. */
const SUSPICIOUS = /\d{16}|\d[eE]/;

/**
 * Returns the path of the first number that JavaScript cannot hold: an integer beyond 2^53 − 1, or an infinity.
 * `undefined` where there is no such number. `JSON.parse` rounds these numbers without an error.
 *
 * @param json text of the value; most texts need no search
 * @param value what `JSON.parse` has made of the text
 */
export function unsafeNumber(json: string, value: unknown): string | undefined {
  return SUSPICIOUS.test(json) ? pathIn(value) : undefined;
}

function pathIn(value: unknown): string | undefined {
  // Every double beyond the safe integers is an integer.
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER ? '' : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const name of Object.keys(value)) {
    const path = pathIn((value as Record<string, unknown>)[name]);
    if (path !== undefined) return `.${shownName(name)}${path}`;
  }
  return undefined;
}
