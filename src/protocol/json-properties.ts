/** One `"key": value` at the top level of a JSON object, with its offsets in the text. */
export interface JsonProperty {
  /** The key with escapes resolved. */
  readonly key: string;
  /** Offset of the opening quote of the key. */
  readonly start: number;
  /** Raw JSON text of the value. */
  readonly value: string;
  /** Offset behind the value. */
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Lists the top-level properties of a JSON object in the order of the text. Repeated keys, which `JSON.parse` hides,
 * are included.
 *
 * @param text an object that `JSON.parse` accepts, because this function counts brackets and checks nothing
 */
export function topLevelProperties(text: string): JsonProperty[] {
  const properties: JsonProperty[] = [];
  let at = text.indexOf('{') + 1;
  for (;;) {
    const start = text.indexOf('"', at);
    if (start === -1) return properties;
    const keyEnd = skipString(text, start);
    const valueStart = skipSpace(text, text.indexOf(':', keyEnd) + 1);
    const end = skipValue(text, valueStart);
    const key = JSON.parse(text.slice(start, keyEnd)) as string;
    properties.push({ key, start, value: text.slice(valueStart, end), end });
    at = end;
  }
}

function skipString(text: string, at: number): number {
  for (at++; ; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
}

function skipSpace(text: string, at: number): number {
  while (text.charCodeAt(at) <= 0x20) at++;
  return at;
}

/** Returns the offset behind a value. The end of an object or array is found by counting brackets. */
function skipValue(text: string, at: number): number {
  let depth = 0;
  do {
    const character = text[at];
    if (character === '"') at = skipString(text, at);
    else {
      if (character === '{' || character === '[') depth++;
      else if (character === '}' || character === ']') depth--;
      else if (depth === 0) return skipLiteral(text, at);
      at++;
    }
  } while (depth > 0);
  return at;
}

function skipLiteral(text: string, at: number): number {
  while (!/[\s,}\]]/.test(text.charAt(at))) at++;
  return at;
}
