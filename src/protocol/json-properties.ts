/** One `"key": value` of a JSON object's top level, as positions in its text. */
export interface JsonProperty {
  /** The key, its escapes resolved. */
  readonly key: string;
  /** Where the key's opening quote stands. */
  readonly start: number;
  /** The raw text of the value, unchanged: its numbers, key order and escapes. */
  readonly value: string;
  /** Behind the value's last character. */
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Lists the top-level members of a JSON object in the order they stand, duplicates included, which `JSON.parse` hides.
 * `text` must be an object that `JSON.parse` accepts: the walk counts brackets and checks nothing.
 */
export function topLevelProperties(text: string): JsonProperty[] {
  const members: JsonProperty[] = [];
  let at = text.indexOf('{') + 1;
  for (;;) {
    const start = text.indexOf('"', at);
    if (start === -1) return members;
    const keyEnd = skipString(text, start);
    const valueStart = skipSpace(text, text.indexOf(':', keyEnd) + 1);
    const end = skipValue(text, valueStart);
    const key = JSON.parse(text.slice(start, keyEnd)) as string;
    members.push({ key, start, value: text.slice(valueStart, end), end });
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

/** Returns the offset behind a value: a string, an object or array by counting brackets, or a bare word or number. */
function skipValue(text: string, at: number): number {
  let depth = 0;
  do {
    const character = text[at];
    if (character === '"') at = skipString(text, at);
    else {
      if (character === '{' || character === '[') depth++;
      else if (character === '}' || character === ']') depth--;
      else if (depth === 0) return skipWord(text, at);
      at++;
    }
  } while (depth > 0);
  return at;
}

function skipWord(text: string, at: number): number {
  while (!/[\s,}\]]/.test(text.charAt(at))) at++;
  return at;
}
