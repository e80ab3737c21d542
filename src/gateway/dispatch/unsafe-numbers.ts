import { shownName } from './shown-name.js';

/** Matches every JSON text with a number that JavaScript may not hold, and some others: hexadecimal text, long strings. */
const SUSPICIOUS = /\d{16}|\d[eE]/;
/** Matches the strings and the numbers of a JSON text. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const WITHOUT_EXPONENT = /^-?[\d.]+$/;

/**
 * Returns the path of the first number that JavaScript cannot hold: an integer beyond 2^53 − 1, or an infinity.
 * `undefined` where there is no such number. `JSON.parse` changes these numbers without an error. A number with an exponent
 * is a floating-point number, which is rounded in every language.
 *
 * @param json text of the value; most texts need no search
 * @param value what `JSON.parse` has made of the text
 */
export function unsafeNumber(json: string, value: unknown): string | undefined {
  if (!SUSPICIOUS.test(json)) return undefined;
  for (const [token] of json.matchAll(TOKENS)) {
    if (token.startsWith('"')) continue;
    const number = Number(token);
    const isTooLarge = Math.abs(number) > Number.MAX_SAFE_INTEGER && WITHOUT_EXPONENT.test(token);
    if (isTooLarge || !Number.isFinite(number)) return pathOf(number, value);
  }
  return undefined;
}

function pathOf(number: number, value: unknown): string | undefined {
  if (value === number) return '';
  if (typeof value !== 'object' || value === null) return undefined;
  for (const name of Object.keys(value)) {
    const path = pathOf(number, (value as Record<string, unknown>)[name]);
    if (path !== undefined) return `.${shownName(name)}${path}`;
  }
  return undefined;
}
