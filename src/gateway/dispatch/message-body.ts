import { MAX_HANDLED_DEPTH, MessageError, type ServerRequest } from '../../protocol/index.js';
import { unsafeNumber } from './unsafe-numbers.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{` differ in this bit only, and so do `]` and `}`. No other character outside a string matches them. */
const CASE_BIT = 0x20;
const OPENS = 0x7b;
const CLOSES = 0x7d;

/**
 * Returns `data` for a handler with a `@RawData()` parameter: the text in place of the value.
 *
 * @throws {MessageError} `invalid_message` when `data` is nested more than {@link MAX_HANDLED_DEPTH} levels deep
 */
export function rawBody({ data, id }: ServerRequest): string | undefined {
  if (data !== undefined && nestsDeeper(data, MAX_HANDLED_DEPTH))
    throw new MessageError('invalid_message', `data is nested more than ${MAX_HANDLED_DEPTH} levels deep`, id);
  return data;
}

/**
 * Parses `data` for a handler; `undefined` where the message has none.
 *
 * @throws {MessageError} `invalid_message` when `data` is nested more than {@link MAX_HANDLED_DEPTH} levels deep,
 *   because recursive code would overflow the stack, and when a number of it cannot be held
 */
export function parseBody(request: ServerRequest): unknown {
  const data = rawBody(request);
  if (data === undefined) return undefined;
  const body: unknown = JSON.parse(data);
  const path = unsafeNumber(data, body);
  if (path === undefined) return body;
  throw new MessageError('invalid_message', `data${path} must be a number within ±(2^53 - 1)`, request.id);
}

/** Returns whether a valid JSON text nests arrays and objects more than `depth` levels deep. */
function nestsDeeper(json: string, depth: number): boolean {
  // Each level takes at least two characters, so that most texts need no scan.
  if (json.length <= 2 * depth) return false;
  let open = 0;
  for (let at = 0; at < json.length; at++) {
    const character = json.charCodeAt(at);
    if (character === QUOTE) at = endOfString(json, at);
    else if ((character | CASE_BIT) === CLOSES) open--;
    else if ((character | CASE_BIT) === OPENS && ++open > depth) return true;
  }
  return false;
}

/** @param start index of the string's opening quote */
function endOfString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    const character = json.charCodeAt(at);
    if (character === QUOTE) return at;
    if (character === BACKSLASH) at++;
  }
  return json.length;
}
