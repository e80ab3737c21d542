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
export const UNDECIDED = -1;
/** Containers that are followed; one bit each, so that the stack is a number. */
const MAX_DEPTH = 30;
export const HIGH_BITS = 0x80808080 | 0;
export const LITTLE_ENDIAN = endianness() === 'LE';
/** How far behind a text a word may be read without asking whether the text has ended. */
const SLACK_BYTES = 64;

/** The longest text that is scanned: what a frame with a 16-bit length holds (RFC 6455, 5.2). */
export const MAX_SCANNED_BYTES = 65_535;
/** The one text being scanned, unmasked; a constant of the process, so that reading it is as cheap as reading can be. */
export const TEXT = Buffer.alloc(MAX_SCANNED_BYTES + 1 + SLACK_BYTES);
export const TEXT_WORDS = new Int32Array(TEXT.buffer, TEXT.byteOffset, TEXT.length >>> 2);
/** The same bytes, for words that begin anywhere. */
export const TEXT_VIEW = new DataView(TEXT.buffer, TEXT.byteOffset, TEXT.length);

const ESCAPES = byteSet('"\\/bfnrt');
const HEX = byteSet('0123456789abcdefABCDEF');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/**
 * Checks JSON (RFC 8259) in {@link TEXT} without building anything; accepts only what `JSON.parse` accepts. Behind the
 * text stands a zero, which no JSON contains, so that nothing need ask at each byte whether the text has ended.
 */
export abstract class JsonScanner {
  /** Whether a byte over 0x7f was seen: the text is not yet known to be UTF-8. */
  nonAscii = false;

  /** Steps over white space; most often there is none. */
  protected space(at: number): number {
    const text = TEXT;
    for (;;) {
      const byte = text[at]!;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return at;
      at++;
    }
  }

  /** Checks one JSON value of any depth (RFC 8259) without building it. `stack` has a 1 for each open object. */
  protected value(at: number): number {
    const text = TEXT;
    let depth = 0;
    let stack = 0;
    for (;;) {
      const byte = text[at]!;
      if (byte === QUOTE) at = this.#string(at + 1);
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (++depth > MAX_DEPTH) return UNDECIDED;
        stack = (stack << 1) | (byte === OPEN_BRACE ? 1 : 0);
        at = this.space(at + 1);
        if (text[at] !== (byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET)) {
          if (byte === OPEN_BRACE && (at = this.#key(at)) === UNDECIDED) return UNDECIDED;
          continue;
        }
        at++;
        depth--;
        stack >>>= 1;
      } else at = this.#scalar(at, byte);
      for (;;) {
        if (at === UNDECIDED || depth === 0) return at;
        at = this.space(at);
        const next = text[at++];
        if (next === COMMA) break;
        if (next !== ((stack & 1) === 1 ? CLOSE_BRACE : CLOSE_BRACKET)) return UNDECIDED;
        depth--;
        stack >>>= 1;
      }
      at = this.space(at);
      if ((stack & 1) === 1 && (at = this.#key(at)) === UNDECIDED) return UNDECIDED;
    }
  }

  /** Reads `"key":` inside `data` and returns where its value begins. */
  #key(at: number): number {
    if (TEXT[at] !== QUOTE) return UNDECIDED;
    at = this.#string(at + 1);
    if (at === UNDECIDED) return UNDECIDED;
    at = this.space(at);
    return TEXT[at] === COLON ? this.space(at + 1) : UNDECIDED;
  }

  /** Reads a string behind its opening quote and returns the offset behind the closing one. */
  #string(at: number): number {
    const text = TEXT;
    for (;;) {
      const wordEnd = (at + 4) & ~3;
      for (; at < wordEnd; at++) {
        const byte = text[at]!;
        if (byte === QUOTE) return at + 1;
        if ((byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) && (at = this.#special(at, byte)) === UNDECIDED)
          return UNDECIDED;
      }
      if ((at & 3) === 0) at = this.#skipPlainWords(at);
    }
  }

  /** Steps over four bytes at a time while none of them ends the string, is an escape or a control character. */
  #skipPlainWords(at: number): number {
    const words = TEXT_WORDS;
    let index = at >>> 2;
    while (isIdentifier(words[index]!)) index++;
    return (words[index]! & HIGH_BITS) === 0 ? index << 2 : this.#skipWords(index);
  }

  /**
   * The same for text beyond ASCII: a byte over 0x7f passes and is only noted. The first test finds a byte under 0x21
   * once the quote has changed places with the space, the second a backslash.
   */
  #skipWords(index: number): number {
    const words = TEXT_WORDS;
    let high = 0;
    for (;;) {
      const word = words[index]!;
      const swapped = word ^ 0x02020202;
      const backslash = word ^ 0x5c5c5c5c;
      const found = ((swapped - 0x21212121) & ~swapped) | ((backslash - 0x01010101) & ~backslash);
      if ((found & HIGH_BITS) !== 0) break;
      high |= word;
      index++;
    }
    if ((high & HIGH_BITS) !== 0) this.nonAscii = true;
    return index << 2;
  }

  /** Steps over a byte that is more than itself in a string, and returns the offset of the last one that belongs to it. */
  #special(at: number, byte: number): number {
    if (byte >= 0x80) {
      this.nonAscii = true;
      return at;
    }
    if (byte !== BACKSLASH) return UNDECIDED;
    const escape = TEXT[++at]!;
    if (escape !== 0x75) return ESCAPES[escape] === 0 ? UNDECIDED : at;
    for (let index = 0; index < 4; index++) if (HEX[TEXT[++at]!] === 0) return UNDECIDED;
    return at;
  }

  #scalar(at: number, byte: number): number {
    if (byte === 0x74) return this.#word(at, TRUE);
    if (byte === 0x66) return this.#word(at, FALSE);
    if (byte === 0x6e) return this.#word(at, NULL);
    return this.#number(at, byte);
  }

  #word(at: number, word: Buffer): number {
    for (let index = 0; index < word.length; index++) if (TEXT[at + index] !== word[index]) return UNDECIDED;
    return at + word.length;
  }

  /** A number always ends before the message does, so that `#end` needs no case of its own. */
  #number(at: number, byte: number): number {
    if (byte === 0x2d) at++;
    if (TEXT[at] === 0x30) at++;
    else if ((at = this.#digits(at)) === UNDECIDED) return UNDECIDED;
    if (TEXT[at] === 0x2e && (at = this.#digits(at + 1)) === UNDECIDED) return UNDECIDED;
    if ((TEXT[at]! | 0x20) === 0x65) {
      at++;
      if (TEXT[at] === 0x2b || TEXT[at] === 0x2d) at++;
      return this.#digits(at);
    }
    return at;
  }

  #digits(at: number): number {
    const start = at;
    for (let byte = TEXT[at]!; byte >= 0x30 && byte <= 0x39; byte = TEXT[at]!) at++;
    return at === start ? UNDECIDED : at;
  }
}

/**
 * Tells whether four bytes are ASCII, and none of them a quote, a backslash or a control character. Added up, a byte that
 * passes reaches the high bit: the first sum from 0x21 on, the quote having changed places with the space; the second
 * from 1 on, the backslash having become 0. No byte of ASCII carries into the next.
 */
export function isIdentifier(word: number): boolean {
  const space = (word ^ 0x02020202) + 0x5f5f5f5f;
  const backslash = (word ^ 0x5c5c5c5c) + 0x7f7f7f7f;
  return (space & backslash & ~word & HIGH_BITS) === HIGH_BITS;
}

/** Four ASCII characters as a word of this machine. */
export function wordOf(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  return LITTLE_ENDIAN ? bytes.readInt32LE() : bytes.readInt32BE();
}

/** A table of 256 entries with a 1 for each of these characters. */
export function byteSet(characters: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return set;
}
