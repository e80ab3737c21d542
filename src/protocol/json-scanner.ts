import { endianness } from 'node:os';

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
export const COMMA = 0x2c;
export const COLON = 0x3a;

/** What a scan method returns instead of an offset where the exact way must decide. */
export const UNSURE = -1;
/** Containers that are followed; one bit each, so that the stack is a number. */
const MAX_DEPTH = 30;
/** Strings up to this length are not worth a word at a time. */
const SHORT_STRING_BYTES = 48;
const HIGH_BITS = 0x80808080 | 0;
const LITTLE_ENDIAN = endianness() === 'LE';
const NOTHING = Buffer.alloc(0);

const ESCAPES = byteSet('"\\/bfnrt');
const HEX = byteSet('0123456789abcdefABCDEF');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/** Checks JSON (RFC 8259) in masked bytes without building anything; accepts only what `JSON.parse` accepts. */
export abstract class JsonScanner {
  /** Whether a byte over 0x7f was seen: the text is not yet known to be UTF-8. */
  nonAscii = false;

  protected bytes: Buffer = NOTHING;
  /** Where the text ends. A text that goes wrong may be read beyond it, and is then refused. */
  protected end = 0;
  /** The mask, turned so that byte `at` belongs to `at & 3`. */
  protected mask = 0;
  #viewed: Buffer = NOTHING;
  #words: Int32Array = new Int32Array(0);

  /** @param mask the four mask bytes as a little-endian number, 0 for bytes that are not masked */
  protected begin(bytes: Buffer, start: number, end: number, mask: number): void {
    this.bytes = bytes;
    this.end = end;
    const turn = (start & 3) << 3;
    this.mask = turn === 0 ? mask : (mask << turn) | (mask >>> (32 - turn));
    this.nonAscii = false;
  }

  /** Reads one byte as the client meant it. */
  protected byte(at: number): number {
    return (this.bytes[at]! ^ (this.mask >>> ((at & 3) << 3))) & 0xff;
  }

  protected space(at: number): number {
    while (at < this.end) {
      const byte = this.byte(at);
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
      at++;
    }
    return at;
  }

  /** Checks one JSON value of any depth (RFC 8259) without building it. `stack` has a 1 for each open object. */
  protected value(at: number): number {
    let depth = 0;
    let stack = 0;
    for (;;) {
      if (at >= this.end) return UNSURE;
      const byte = this.byte(at);
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (++depth > MAX_DEPTH) return UNSURE;
        stack = (stack << 1) | (byte === OPEN_BRACE ? 1 : 0);
        at = this.space(at + 1);
        if (at >= this.end) return UNSURE;
        if (this.byte(at) !== (byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET)) {
          if (byte === OPEN_BRACE && (at = this.#key(at)) === UNSURE) return UNSURE;
          continue;
        }
        at++;
        depth--;
        stack >>>= 1;
      } else at = byte === QUOTE ? this.#string(at + 1) : this.#scalar(at, byte);
      for (;;) {
        if (at === UNSURE || depth === 0) return at;
        at = this.space(at);
        if (at >= this.end) return UNSURE;
        const next = this.byte(at++);
        if (next === COMMA) break;
        if (next !== ((stack & 1) === 1 ? CLOSE_BRACE : CLOSE_BRACKET)) return UNSURE;
        depth--;
        stack >>>= 1;
      }
      at = this.space(at);
      if ((stack & 1) === 1 && (at = this.#key(at)) === UNSURE) return UNSURE;
    }
  }

  /** Reads `"key":` inside `data` and returns where its value begins. */
  #key(at: number): number {
    if (at >= this.end || this.byte(at) !== QUOTE) return UNSURE;
    at = this.#string(at + 1);
    if (at === UNSURE) return UNSURE;
    at = this.space(at);
    return at < this.end && this.byte(at) === COLON ? this.space(at + 1) : UNSURE;
  }

  /** Reads a string behind its opening quote: a few bytes one by one, and what is longer four at a time. */
  #string(at: number): number {
    const bytes = this.bytes;
    const mask = this.mask;
    const short = Math.min(this.end, at + SHORT_STRING_BYTES);
    for (; at < short; at++) {
      const byte = (bytes[at]! ^ (mask >>> ((at & 3) << 3))) & 0xff;
      if (byte === QUOTE) return at + 1;
      if (byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) {
        if ((at = this.#special(at, byte)) === UNSURE) return UNSURE;
      }
    }
    return this.#longString(at);
  }

  #longString(at: number): number {
    const end = this.end;
    while (at < end) {
      if ((at & 3) === 0) at = this.#skipPlainWords(at);
      if (at >= end) return UNSURE;
      const byte = this.byte(at);
      if (byte === QUOTE) return at + 1;
      if (byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) {
        if ((at = this.#special(at, byte)) === UNSURE) return UNSURE;
      }
      at++;
    }
    return UNSURE;
  }

  /**
   * Steps over four bytes at a time while none of them ends the string, is an escape or a control character. The tests
   * find a byte that is zero, or under 0x20, in a word; a byte over 0x7f passes and is only noted.
   */
  #skipPlainWords(at: number): number {
    const words = this.#wordsOf(this.bytes);
    const mask = this.mask;
    const last = Math.min(this.end >>> 2, words.length);
    let high = 0;
    let index = at >>> 2;
    for (; index < last; index++) {
      const word = words[index]! ^ mask;
      const quote = word ^ 0x22222222;
      const backslash = word ^ 0x5c5c5c5c;
      const found =
        ((word - 0x20202020) & ~word) | ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash);
      if ((found & HIGH_BITS) !== 0) break;
      high |= word;
    }
    if ((high & HIGH_BITS) !== 0) this.nonAscii = true;
    return index << 2;
  }

  /** The same bytes as words; none where they do not begin at a word, or where words are not little-endian. */
  #wordsOf(bytes: Buffer): Int32Array {
    if (this.#viewed === bytes) return this.#words;
    this.#viewed = bytes;
    const aligned = LITTLE_ENDIAN && (bytes.byteOffset & 3) === 0;
    return (this.#words = new Int32Array(
      bytes.buffer,
      aligned ? bytes.byteOffset : 0,
      aligned ? bytes.length >>> 2 : 0,
    ));
  }

  /** Steps over a byte that is more than itself in a string, and returns the offset of the last one that belongs to it. */
  #special(at: number, byte: number): number {
    if (byte >= 0x80) {
      this.nonAscii = true;
      return at;
    }
    if (byte !== BACKSLASH || ++at >= this.end) return UNSURE;
    const escape = this.byte(at);
    if (escape !== 0x75) return ESCAPES[escape] === 0 ? UNSURE : at;
    if (at + 4 >= this.end) return UNSURE;
    for (let index = 0; index < 4; index++) if (HEX[this.byte(++at)] === 0) return UNSURE;
    return at;
  }

  #scalar(at: number, byte: number): number {
    if (byte === 0x74) return this.#word(at, TRUE);
    if (byte === 0x66) return this.#word(at, FALSE);
    if (byte === 0x6e) return this.#word(at, NULL);
    return this.#number(at, byte);
  }

  #word(at: number, word: Buffer): number {
    if (at + word.length > this.end) return UNSURE;
    for (let index = 0; index < word.length; index++) if (this.byte(at + index) !== word[index]) return UNSURE;
    return at + word.length;
  }

  /** A number always ends before the message does, so that `#end` needs no case of its own. */
  #number(at: number, byte: number): number {
    if (byte === 0x2d) at++;
    if (at < this.end && this.byte(at) === 0x30) at++;
    else if ((at = this.#digits(at)) === UNSURE) return UNSURE;
    if (at < this.end && this.byte(at) === 0x2e && (at = this.#digits(at + 1)) === UNSURE) return UNSURE;
    if (at < this.end && (this.byte(at) | 0x20) === 0x65) {
      at++;
      if (at < this.end && (this.byte(at) === 0x2b || this.byte(at) === 0x2d)) at++;
      return this.#digits(at);
    }
    return at;
  }

  #digits(at: number): number {
    const start = at;
    while (at < this.end) {
      const byte = this.byte(at);
      if (byte < 0x30 || byte > 0x39) break;
      at++;
    }
    return at === start ? UNSURE : at;
  }
}

/** A table of 256 entries with a 1 for each of these characters. */
export function byteSet(characters: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return set;
}
