import { MAX_ID_CHARACTERS, MAX_RECEIVER_CHARACTERS, MAX_TYPE_CHARACTERS } from './limits.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Containers inside `data` that the fast check follows; one bit each, so that the stack is a number. */
const MAX_DEPTH = 30;
/** What a scan method returns instead of an offset where the exact way must decide. */
const UNSURE = -1;

const TYPE_BYTES = byteSet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-');
const ESCAPES = byteSet('"\\/bfnrt');
const HEX = byteSet('0123456789abcdefABCDEF');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/** A number for a short text, the same for the same text, small enough to be a V8 small integer. */
export function hashText(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash & 0x3fffffff;
}

/**
 * The fast check: walks one message's bytes once, masked as they came, and notes where its fields are. It may only
 * accept what {@link decode} accepts, and leaves everything unusual to it: escapes in keys and names, a `sender`, depth.
 * One instance serves a process; its fields are valid until the next scan.
 */
export class EnvelopeScanner {
  typeStart = 0;
  typeEnd = 0;
  /** {@link hashText} of the type and of the receiver. */
  typeHash = 0;
  receiverHash = 0;
  /** Offsets of each field's text; -1 where the field is absent. */
  receiverStart = -1;
  receiverEnd = -1;
  idStart = -1;
  idEnd = -1;
  dataStart = -1;
  dataEnd = -1;
  /** Whether a byte over 0x7f was seen: the text is not yet known to be UTF-8. */
  nonAscii = false;

  #bytes: Buffer = Buffer.alloc(0);
  #end = 0;
  /** The mask, turned so that byte `at` belongs to `at & 3`. */
  #mask = 0;

  /**
   * Tells whether `bytes[start, end)` is surely a valid message.
   *
   * @param mask the four mask bytes as a little-endian number, 0 for bytes that are not masked
   */
  scan(bytes: Buffer, start: number, end: number, mask: number): boolean {
    this.#bytes = bytes;
    this.#end = end;
    const turn = (start & 3) << 3;
    this.#mask = turn === 0 ? mask : (mask << turn) | (mask >>> (32 - turn));
    this.typeStart = this.receiverStart = this.idStart = this.dataStart = -1;
    this.nonAscii = false;
    return (
      end - start > 2 && this.#byte(start) === OPEN_BRACE && this.#members(start + 1) === end && this.typeStart >= 0
    );
  }

  /** Reads one byte as the client meant it. */
  #byte(at: number): number {
    return (this.#bytes[at]! ^ (this.#mask >>> ((at & 3) << 3))) & 0xff;
  }

  #members(at: number): number {
    for (;;) {
      at = this.#space(at);
      if (this.#byte(at) !== QUOTE) return UNSURE;
      const key = at + 1;
      at = this.#name(key, MAX_TYPE_CHARACTERS);
      if (at === UNSURE) return UNSURE;
      const length = at - key - 1;
      at = this.#space(at);
      if (this.#byte(at) !== COLON) return UNSURE;
      at = this.#field(key, length, this.#space(at + 1));
      if (at === UNSURE) return UNSURE;
      at = this.#space(at);
      const next = this.#byte(at++);
      if (next === CLOSE_BRACE) return at;
      if (next !== COMMA || at >= this.#end) return UNSURE;
    }
  }

  /** Reads the value at `at` of the key that stands at `key`; each field may come once. */
  #field(key: number, length: number, at: number): number {
    if (length === 4 && this.dataStart < 0 && this.#is(key, 'data')) {
      this.dataStart = at;
      this.dataEnd = this.#value(at);
      return this.dataEnd;
    }
    if (at >= this.#end || this.#byte(at) !== QUOTE) return UNSURE;
    const text = at + 1;
    if (length === 4 && this.typeStart < 0 && this.#is(key, 'type')) {
      this.typeStart = text;
      return this.#type(text);
    }
    if (length === 8 && this.receiverStart < 0 && this.#is(key, 'receiver')) {
      this.receiverStart = text;
      at = this.#name(text, MAX_RECEIVER_CHARACTERS);
      this.receiverHash = this.#hash;
      this.receiverEnd = at - 1;
      return at - 1 === text ? UNSURE : at;
    }
    if (length === 2 && this.idStart < 0 && this.#is(key, 'id')) {
      this.idStart = text;
      at = this.#name(text, MAX_ID_CHARACTERS);
      this.idEnd = at - 1;
      return at - 1 === text ? UNSURE : at;
    }
    return UNSURE;
  }

  #hash = 0;

  /** Reads a short text of plain ASCII up to its closing quote and hashes it. */
  #name(at: number, max: number): number {
    const bytes = this.#bytes;
    const mask = this.#mask;
    const limit = Math.min(this.#end, at + max + 1);
    let hash = 0;
    for (; at < limit; at++) {
      const byte = (bytes[at]! ^ (mask >>> ((at & 3) << 3))) & 0xff;
      if (byte === QUOTE) {
        this.#hash = hash & 0x3fffffff;
        return at + 1;
      }
      if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return UNSURE;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    return UNSURE;
  }

  #type(start: number): number {
    const bytes = this.#bytes;
    const mask = this.#mask;
    const limit = Math.min(this.#end, start + MAX_TYPE_CHARACTERS + 1);
    let hash = 0;
    for (let at = start; at < limit; at++) {
      const byte = (bytes[at]! ^ (mask >>> ((at & 3) << 3))) & 0xff;
      if (byte === QUOTE) {
        this.typeHash = hash & 0x3fffffff;
        this.typeEnd = at;
        return at === start || this.#is(start, 'sys.') ? UNSURE : at + 1;
      }
      if (TYPE_BYTES[byte] === 0) return UNSURE;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    return UNSURE;
  }

  #is(at: number, text: string): boolean {
    if (at + text.length > this.#end) return false;
    for (let index = 0; index < text.length; index++)
      if (this.#byte(at + index) !== text.charCodeAt(index)) return false;
    return true;
  }

  #space(at: number): number {
    while (at < this.#end) {
      const byte = this.#byte(at);
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
      at++;
    }
    return at;
  }

  /** Checks one JSON value of any depth (RFC 8259) without building it. `stack` has a 1 for each open object. */
  #value(at: number): number {
    let depth = 0;
    let stack = 0;
    for (;;) {
      if (at >= this.#end) return UNSURE;
      const byte = this.#byte(at);
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (++depth > MAX_DEPTH) return UNSURE;
        stack = (stack << 1) | (byte === OPEN_BRACE ? 1 : 0);
        at = this.#space(at + 1);
        if (at >= this.#end) return UNSURE;
        if (this.#byte(at) !== (byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET)) {
          if (byte === OPEN_BRACE && (at = this.#key(at)) === UNSURE) return UNSURE;
          continue;
        }
        at++;
        depth--;
        stack >>>= 1;
      } else at = byte === QUOTE ? this.#string(at + 1) : this.#scalar(at, byte);
      for (;;) {
        if (at === UNSURE || depth === 0) return at;
        at = this.#space(at);
        if (at >= this.#end) return UNSURE;
        const next = this.#byte(at++);
        if (next === COMMA) break;
        if (next !== ((stack & 1) === 1 ? CLOSE_BRACE : CLOSE_BRACKET)) return UNSURE;
        depth--;
        stack >>>= 1;
      }
      at = this.#space(at);
      if ((stack & 1) === 1 && (at = this.#key(at)) === UNSURE) return UNSURE;
    }
  }

  /** Reads `"key":` inside `data` and returns where its value begins. */
  #key(at: number): number {
    if (at >= this.#end || this.#byte(at) !== QUOTE) return UNSURE;
    at = this.#string(at + 1);
    if (at === UNSURE) return UNSURE;
    at = this.#space(at);
    return at < this.#end && this.#byte(at) === COLON ? this.#space(at + 1) : UNSURE;
  }

  #string(at: number): number {
    const bytes = this.#bytes;
    const mask = this.#mask;
    const end = this.#end;
    for (; at < end; at++) {
      const byte = (bytes[at]! ^ (mask >>> ((at & 3) << 3))) & 0xff;
      if (byte >= 0x80) this.nonAscii = true;
      else if (byte === QUOTE) return at + 1;
      else if (byte < 0x20) return UNSURE;
      else if (byte === BACKSLASH) {
        if (++at >= end) return UNSURE;
        const escape = this.#byte(at);
        if (escape === 0x75) {
          if (at + 4 >= end) return UNSURE;
          for (let index = 0; index < 4; index++) if (HEX[this.#byte(++at)] === 0) return UNSURE;
        } else if (ESCAPES[escape] === 0) return UNSURE;
      }
    }
    return UNSURE;
  }

  #scalar(at: number, byte: number): number {
    if (byte === 0x74) return this.#word(at, TRUE);
    if (byte === 0x66) return this.#word(at, FALSE);
    if (byte === 0x6e) return this.#word(at, NULL);
    return this.#number(at, byte);
  }

  #word(at: number, word: Buffer): number {
    if (at + word.length > this.#end) return UNSURE;
    for (let index = 0; index < word.length; index++) if (this.#byte(at + index) !== word[index]) return UNSURE;
    return at + word.length;
  }

  /** A number always ends before the message does, so that `#end` needs no case of its own. */
  #number(at: number, byte: number): number {
    if (byte === 0x2d) at++;
    if (at < this.#end && this.#byte(at) === 0x30) at++;
    else if ((at = this.#digits(at)) === UNSURE) return UNSURE;
    if (at < this.#end && this.#byte(at) === 0x2e && (at = this.#digits(at + 1)) === UNSURE) return UNSURE;
    if (at < this.#end && (this.#byte(at) | 0x20) === 0x65) {
      at++;
      if (at < this.#end && (this.#byte(at) === 0x2b || this.#byte(at) === 0x2d)) at++;
      return this.#digits(at);
    }
    return at;
  }

  #digits(at: number): number {
    const start = at;
    while (at < this.#end) {
      const byte = this.#byte(at);
      if (byte < 0x30 || byte > 0x39) break;
      at++;
    }
    return at === start ? UNSURE : at;
  }
}

function byteSet(characters: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return set;
}
