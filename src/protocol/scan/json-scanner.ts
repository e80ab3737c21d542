import { endianness } from 'node:os';

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
export const COMMA = 0x2c;
export const COLON = 0x3a;

/** Result of a scan method, instead of an offset, where the slow path must decide. */
export const UNDECIDED = -1;
/** Nesting depth that is scanned; one bit for each level, so that the stack is one number. */
const MAX_DEPTH = 30;
export const HIGH_BITS = 0x80808080 | 0;
export const LITTLE_ENDIAN = endianness() === 'LE';
/** Padding for 4-byte reads past the end of a text. */
const PADDING_BYTES = 64;

/** The longest text that is scanned, which is the longest payload of a frame with a 16-bit length (RFC 6455, 5.2). */
export const MAX_SCANNED_BYTES = 65_535;
/** The unmasked text that is scanned. One constant buffer for the process, because V8 reads constants fastest. */
export const TEXT = Buffer.alloc(MAX_SCANNED_BYTES + 1 + PADDING_BYTES);
export const TEXT_WORDS = new Int32Array(TEXT.buffer, TEXT.byteOffset, TEXT.length >>> 2);
/** The same bytes, for words at any offset. */
export const TEXT_VIEW = new DataView(TEXT.buffer, TEXT.byteOffset, TEXT.length);

const ESCAPES = byteSet('"\\/bfnrt');
const HEX = byteSet('0123456789abcdefABCDEF');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/**
 * Checks JSON (RFC 8259) in {@link TEXT} without building values, and accepts only text that `JSON.parse` accepts. A
 * zero byte, which JSON cannot contain, follows the text, so that no loop needs to check for the end.
 */
export abstract class JsonScanner {
  /** Whether the text has bytes over 0x7f, so that its UTF-8 must still be checked. */
  nonAscii = false;

  /** Steps over white space, if any. */
  protected space(at: number): number {
    const text = TEXT;
    for (;;) {
      const byte = text[at]!;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return at;
      at++;
    }
  }

  /** Checks one JSON value. `stack` has one bit for each open container, 1 for objects and 0 for arrays. */
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

  /** Reads `"key":` inside `data` and returns the offset of the value. */
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
        if ((byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) && (at = this.#nonPlain(at, byte)) === UNDECIDED)
          return UNDECIDED;
      }
      if ((at & 3) === 0) at = this.#skipPlainWords(at);
    }
  }

  /** Steps over words without quotes, escapes, control characters and bytes over 0x7f. */
  #skipPlainWords(at: number): number {
    const words = TEXT_WORDS;
    let index = at >>> 2;
    while (isPlainWord(words[index]!)) index++;
    return (words[index]! & HIGH_BITS) === 0 ? index << 2 : this.#skipNonAsciiWords(index);
  }

  /**
   * Does the same for text beyond ASCII, whose bytes over 0x7f are recorded in `nonAscii`. The first XOR swaps quote
   * and space, so that the first test finds all bytes under 0x21; the second test finds a backslash.
   */
  #skipNonAsciiWords(index: number): number {
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

  /**
   * Checks a byte that is not plain ASCII. Returns the offset of the last byte of its escape, or of the byte itself.
   */
  #nonPlain(at: number, byte: number): number {
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
    if (byte === 0x74) return this.#literal(at, TRUE);
    if (byte === 0x66) return this.#literal(at, FALSE);
    if (byte === 0x6e) return this.#literal(at, NULL);
    return this.#number(at, byte);
  }

  #literal(at: number, word: Buffer): number {
    for (let index = 0; index < word.length; index++) if (TEXT[at + index] !== word[index]) return UNDECIDED;
    return at + word.length;
  }

  /** Reads a number. The message never ends with one, because a brace follows. */
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
 * Returns whether four bytes are ASCII without quotes, backslashes and control characters. Each addition sets the high
 * bit of a byte that passes: the first from 0x21 on, after the XOR has swapped quote and space; the second from 1 on,
 * after the XOR has made a backslash 0. An ASCII byte never carries into the next byte.
 */
export function isPlainWord(word: number): boolean {
  const space = (word ^ 0x02020202) + 0x5f5f5f5f;
  const backslash = (word ^ 0x5c5c5c5c) + 0x7f7f7f7f;
  return (space & backslash & ~word & HIGH_BITS) === HIGH_BITS;
}

/** Returns four ASCII characters as a word in the byte order of this machine. */
export function wordOf(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  return LITTLE_ENDIAN ? bytes.readInt32LE() : bytes.readInt32BE();
}

/** Returns a table of 256 entries with a 1 for each of these characters. */
export function byteSet(characters: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return set;
}
