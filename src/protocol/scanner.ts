import { endianness } from 'node:os';
import {
  BACKSLASH,
  byteSet,
  CLOSE_BRACE,
  COLON,
  COMMA,
  JsonScanner,
  OPEN_BRACE,
  QUOTE,
  TEXT,
  TEXT_WORDS,
  UNSURE,
} from './json-scanner.js';
import { MAX_ID_CHARACTERS, MAX_RECEIVER_CHARACTERS, MAX_TYPE_CHARACTERS } from './limits.js';

const LITTLE_ENDIAN = endianness() === 'LE';
const TYPE_BYTES = byteSet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-');

/** A number for a short text, the same for the same text, small enough to be a V8 small integer. */
export function hashText(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash & 0x3fffffff;
}

/** Reads the four mask bytes in front of a payload as a word of this machine. */
export function maskAt(bytes: Buffer, at: number): number {
  return LITTLE_ENDIAN
    ? bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    : (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/**
 * The fast check: unmasks one message into {@link TEXT}, walks it once and notes where its fields are. It may only
 * accept what {@link decode} accepts, and leaves everything unusual to it: escapes in keys and names, a `sender`, depth.
 * One instance serves a process; its fields, and the text, are valid until the next scan.
 */
export class EnvelopeScanner extends JsonScanner {
  /** Bytes of the message. */
  length = 0;
  typeStart = -1;
  typeEnd = -1;
  /** {@link hashText} of the type and of the receiver. */
  typeHash = 0;
  receiverHash = 0;
  /** Offsets of each field; -1 where it is absent. */
  receiverStart = -1;
  receiverEnd = -1;
  idStart = -1;
  idEnd = -1;
  dataStart = -1;
  dataEnd = -1;
  #hash = 0;

  /**
   * Tells whether `bytes[from, to)` is surely a valid message. `bytes` stay as they are.
   *
   * @param mask the four mask bytes as {@link maskAt} reads them, 0 for bytes that are not masked
   */
  scan(bytes: Buffer, from: number, to: number, mask: number): boolean {
    unmask(bytes, from, to, mask);
    this.length = to - from;
    this.typeStart = this.receiverStart = this.idStart = this.dataStart = -1;
    this.nonAscii = false;
    return TEXT[0] === OPEN_BRACE && this.#members(1) === this.length && this.typeStart >= 0;
  }

  /** Reads `[from, to)` of the text, known to be ASCII. */
  ascii(from: number, to: number): string {
    return TEXT.toString('latin1', from, to);
  }

  /** Tells whether `[from, to)` of the text spells an ASCII text. */
  spells(from: number, to: number, text: string): boolean {
    if (to - from !== text.length) return false;
    for (let index = 0; index < text.length; index++) if (TEXT[from + index] !== text.charCodeAt(index)) return false;
    return true;
  }

  #members(at: number): number {
    for (;;) {
      at = this.#field(this.space(at));
      if (at === UNSURE) return UNSURE;
      at = this.space(at);
      const next = TEXT[at++];
      if (next === CLOSE_BRACE) return at;
      if (next !== COMMA) return UNSURE;
    }
  }

  /** Reads one `"key":value` of those a client may write plainly; each may come once. */
  #field(at: number): number {
    if (TEXT[at] !== QUOTE) return UNSURE;
    switch (TEXT[at + 1]) {
      case 0x74: // t
        return this.typeStart < 0 ? this.#type(this.#opening(at, 'type')) : UNSURE;
      case 0x72: // r
        return this.receiverStart < 0 ? this.#receiver(this.#opening(at, 'receiver')) : UNSURE;
      case 0x69: // i
        return this.idStart < 0 ? this.#id(this.#opening(at, 'id')) : UNSURE;
      case 0x64: // d
        return this.dataStart < 0 ? this.#data(this.#colon(at, 'data')) : UNSURE;
      default:
        return UNSURE;
    }
  }

  /** Steps over `"key" :` and returns where the value stands. */
  #colon(at: number, key: string): number {
    for (let index = 1; index < key.length; index++) if (TEXT[at + 1 + index] !== key.charCodeAt(index)) return UNSURE;
    at += key.length + 1;
    if (TEXT[at] !== QUOTE) return UNSURE;
    at = this.space(at + 1);
    return TEXT[at] === COLON ? this.space(at + 1) : UNSURE;
  }

  /** Steps over `"key" : "` and returns where the text begins. */
  #opening(at: number, key: string): number {
    at = this.#colon(at, key);
    return at !== UNSURE && TEXT[at] === QUOTE ? at + 1 : UNSURE;
  }

  #data(at: number): number {
    if (at === UNSURE) return UNSURE;
    this.dataStart = at;
    return (this.dataEnd = this.value(at));
  }

  #receiver(at: number): number {
    if (at === UNSURE) return UNSURE;
    const end = this.#name(at, MAX_RECEIVER_CHARACTERS);
    this.receiverStart = at;
    this.receiverEnd = end - 1;
    this.receiverHash = this.#hash;
    return end;
  }

  #id(at: number): number {
    if (at === UNSURE) return UNSURE;
    const end = this.#name(at, MAX_ID_CHARACTERS);
    this.idStart = at;
    this.idEnd = end - 1;
    return end;
  }

  #type(at: number): number {
    if (at === UNSURE) return UNSURE;
    const end = this.#name(at, MAX_TYPE_CHARACTERS);
    this.typeStart = at;
    this.typeEnd = end - 1;
    this.typeHash = this.#hash;
    for (let index = at; index < end - 1; index++) if (TYPE_BYTES[TEXT[index]!] === 0) return UNSURE;
    return this.spells(at, at + 4, 'sys.') ? UNSURE : end;
  }

  /** Reads a text of 1 to `max` plain ASCII characters, hashes it, and returns the offset behind its closing quote. */
  #name(start: number, max: number): number {
    const text = TEXT;
    const limit = start + max + 1;
    let hash = 0;
    for (let at = start; at < limit; at++) {
      const byte = text[at]!;
      if (byte === QUOTE) {
        this.#hash = hash & 0x3fffffff;
        return at === start ? UNSURE : at + 1;
      }
      if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return UNSURE;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    return UNSURE;
  }
}

/** Copies a payload to where {@link TEXT} begins and takes the mask off, a word at a time (RFC 6455, 5.3). */
function unmask(bytes: Buffer, from: number, to: number, mask: number): void {
  const words = TEXT_WORDS;
  TEXT.set(bytes.subarray(from, to));
  const last = (to - from + 3) >>> 2;
  if (mask !== 0) for (let index = 0; index < last; index++) words[index]! ^= mask;
  TEXT[to - from] = 0;
}
