import { shownName } from './shown-name.js';

/** Matches every JSON text with a number that JavaScript may not hold, and some others: hexadecimal text, long strings. */
const SUSPICIOUS = /\d{16}|\d[eE]/;
/** Matches the strings and the numbers of a JSON text. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const EXPONENT = /[eE].*$/;

/**
 * Returns the path of the first number that JavaScript cannot hold: an integer beyond 2^53 − 1, or an infinity.
 * `undefined` where there is no such number. `JSON.parse` changes these numbers without an error. With an exponent, a number
 * is held where JavaScript has all its digits: `1e308`.
 *
 * @param json text of the value; most texts need no search
 * @param value what `JSON.parse` has made of the text
 */
export function unsafeNumber(json: string, value: unknown): string | undefined {
  if (!SUSPICIOUS.test(json)) return undefined;
  const unsafe = new Set<number>();
  for (const [token] of json.matchAll(TOKENS)) if (!token.startsWith('"') && !isHeld(token)) unsafe.add(Number(token));
  return unsafe.size === 0 ? undefined : pathOf(unsafe, value);
}

function isHeld(token: string): boolean {
  const number = Number(token);
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER) return true;
  return Number.isFinite(number) && EXPONENT.test(token) && digitsOf(token) === digitsOf(String(number));
}

/** Returns the significant digits of a number in any notation. */
function digitsOf(text: string): string {
  return text
    .replace(EXPONENT, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '');
}

function pathOf(unsafe: ReadonlySet<number>, value: unknown): string | undefined {
  if (typeof value === 'number') return unsafe.has(value) ? '' : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const name of Object.keys(value)) {
    const path = pathOf(unsafe, (value as Record<string, unknown>)[name]);
    if (path !== undefined) return `.${shownName(name)}${path}`;
  }
  return undefined;
}
