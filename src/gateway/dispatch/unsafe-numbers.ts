import { shownName } from './shown-name.js';

/** Matches the strings and the numbers of a JSON text. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const EXPONENT = /[eE].*$/;

/**
 * Returns the path of the first number that JavaScript cannot hold: an integer beyond 2^53 − 1, or an infinity.
 * `undefined` where there is no such number. `JSON.parse` changes these numbers without an error. With an exponent, a number
 * is held where JavaScript has all its digits: `1e308`.
 *
 * @param json text of the value, searched only where the value has a number beyond 2^53 − 1
 * @param value what `JSON.parse` has made of the text
 */
export function unsafeNumber(json: string, value: unknown): string | undefined {
  if (!hasLargeNumber(value)) return undefined;
  const unsafe = new Set<number>();
  for (const [token] of json.matchAll(TOKENS)) if (!token.startsWith('"') && !isHeld(token)) unsafe.add(Number(token));
  return unsafe.size === 0 ? undefined : pathOf(unsafe, value);
}

function hasLargeNumber(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(hasLargeNumber);
  for (const name of Object.keys(value)) if (hasLargeNumber((value as Record<string, unknown>)[name])) return true;
  return false;
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
