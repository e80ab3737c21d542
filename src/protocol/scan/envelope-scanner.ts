import { SESSION_ID_CHARACTERS } from '../identifiers.js';
import { idHashAt } from './id-table.js';
import {
  BACKSLASH,
  byteSet,
  CLOSE_BRACE,
  COLON,
  COMMA,
  JsonScanner,
  LITTLE_ENDIAN,
  MAX_SCANNED_BYTES,
  OPEN_BRACE,
  QUOTE,
  TEXT,
  TEXT_VIEW,
  TEXT_WORDS,
  UNDECIDED,
  wordOf,
} from './json-scanner.js';
import { MAX_ID_CHARACTERS, MAX_RECEIVER_CHARACTERS, MAX_TYPE_CHARACTERS } from '../tables/limits.js';

/** Length of the shortest message, `{"type":"a"}`. */
const MIN_BYTES = 12;
/** The beginnings of the keys, and the text that follows them where there is no white space. */
const KEY_DATA = wordOf('"dat');
const KEY_ID = wordOf('"id"');
const KEY_RECEIVER = wordOf('"rec');
const RECEIVER_MIDDLE = wordOf('eive');
const RECEIVER_REST = wordOf('r":"');
const KEY_TYPE = wordOf('"typ');
const TYPE_REST = wordOf('e":"');
const RESERVED = wordOf('sys.');
const TYPE_BYTES = byteSet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-');
/** Printable ASCII without the quote and the backslash. */
const NAME_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => {
  return byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH ? 0 : 1;
});

/** Hashes a short text to a V8 small integer. */
export function hashText(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash & 0x3fffffff;
}

/** Reads the four mask bytes in front of a payload as a word in the byte order of this machine. */
export function maskAt(bytes: Buffer, at: number): number {
  return LITTLE_ENDIAN
    ? bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    : (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/**
 * Checks a message on the fast path: unmasks it into {@link TEXT}, reads it once and records the offsets of its fields.
 * Accepts only messages that {@link decode} accepts. Unusual ones are left to `decode`: escapes in keys and names, a
 * `sender`, deep nesting. The fields, and {@link TEXT}, are valid until the next scan.
 */
export class EnvelopeScanner extends JsonScanner {
  /** Bytes of the message. */
  length = 0;
  typeStart = -1;
  typeEnd = -1;
  /** {@link hashText} of the type. */
  typeHash = 0;
  /** Whether the type begins with `sys.`. */
  reserved = false;
  /** {@link idHashAt} of a receiver that may be a session id, else {@link UNDECIDED}. */
  receiverHash = -1;
  /** Offsets of each field; -1 for an absent field. */
  receiverStart = -1;
  receiverEnd = -1;
  idStart = -1;
  idEnd = -1;
  dataStart = -1;
  dataEnd = -1;
  /**
   * Returns whether `bytes[from, to)` is known to be a valid message. `bytes` are not changed.
   *
   * @param mask the four mask bytes as {@link maskAt} reads them, 0 for bytes that are not masked
   */
  scan(bytes: Buffer, from: number, to: number, mask: number): boolean {
    this.length = to - from;
    if (this.length < MIN_BYTES || this.length > MAX_SCANNED_BYTES) return false;
    unmask(bytes, from, to, mask);
    this.typeStart = this.receiverStart = this.idStart = this.dataStart = -1;
    this.nonAscii = false;
    return TEXT[0] === OPEN_BRACE && this.#fields(1) === this.length && this.typeStart >= 0;
  }

  /** Reads `[from, to)` of the text, which must be ASCII. */
  ascii(from: number, to: number): string {
    return TEXT.toString('latin1', from, to);
  }

  #fields(at: number): number {
    for (;;) {
      at = this.#field(this.space(at));
      if (at === UNDECIDED) return UNDECIDED;
      at = this.space(at);
      const next = TEXT[at++];
      if (next === CLOSE_BRACE) return at;
      if (next !== COMMA) return UNDECIDED;
    }
  }

  /** Reads one `"key":value`. Each key that a client may write is accepted once. */
  #field(at: number): number {
    const key = TEXT_VIEW.getInt32(at, LITTLE_ENDIAN);
    if (key === KEY_DATA) return this.dataStart < 0 ? this.#data(this.#colon(at, 'data')) : UNDECIDED;
    if (key === KEY_TYPE) return this.typeStart < 0 ? this.#type(this.#typeText(at)) : UNDECIDED;
    if (key === KEY_RECEIVER) return this.receiverStart < 0 ? this.#receiver(this.#receiverText(at)) : UNDECIDED;
    if (key === KEY_ID) return this.idStart < 0 ? this.#id(this.#opening(at, 'id')) : UNDECIDED;
    return UNDECIDED;
  }

  /** Steps over `"type":"`, which seldom has white space. */
  #typeText(at: number): number {
    return TEXT_VIEW.getInt32(at + 4, LITTLE_ENDIAN) === TYPE_REST ? at + 8 : this.#opening(at, 'type');
  }

  /** Steps over `"receiver":"`, which seldom has white space. */
  #receiverText(at: number): number {
    return TEXT_VIEW.getInt32(at + 4, LITTLE_ENDIAN) === RECEIVER_MIDDLE &&
      TEXT_VIEW.getInt32(at + 8, LITTLE_ENDIAN) === RECEIVER_REST
      ? at + 12
      : this.#opening(at, 'receiver');
  }

  /** Steps over `"key" :` and returns the offset of the value. */
  #colon(at: number, key: string): number {
    for (let index = 1; index < key.length; index++)
      if (TEXT[at + 1 + index] !== key.charCodeAt(index)) return UNDECIDED;
    at += key.length + 1;
    if (TEXT[at] !== QUOTE) return UNDECIDED;
    at = this.space(at + 1);
    return TEXT[at] === COLON ? this.space(at + 1) : UNDECIDED;
  }

  /** Steps over `"key" : "` and returns the offset behind the quote. */
  #opening(at: number, key: string): number {
    at = this.#colon(at, key);
    return at !== UNDECIDED && TEXT[at] === QUOTE ? at + 1 : UNDECIDED;
  }

  #data(at: number): number {
    if (at === UNDECIDED) return UNDECIDED;
    this.dataStart = at;
    return (this.dataEnd = this.value(at));
  }

  #receiver(at: number): number {
    if (at === UNDECIDED) return UNDECIDED;
    this.receiverStart = at;
    this.receiverHash = TEXT[at + SESSION_ID_CHARACTERS] === QUOTE ? idHashAt(at) : UNDECIDED;
    const end =
      this.receiverHash === UNDECIDED ? this.#name(at, MAX_RECEIVER_CHARACTERS) : at + SESSION_ID_CHARACTERS + 1;
    this.receiverEnd = end - 1;
    return end;
  }

  #id(at: number): number {
    if (at === UNDECIDED) return UNDECIDED;
    const end = this.#name(at, MAX_ID_CHARACTERS);
    this.idStart = at;
    this.idEnd = end - 1;
    return end;
  }

  /** Reads a type and hashes it. */
  #type(start: number): number {
    if (start === UNDECIDED) return UNDECIDED;
    this.reserved = TEXT_VIEW.getInt32(start, LITTLE_ENDIAN) === RESERVED;
    const text = TEXT;
    let hash = 0;
    let at = start;
    for (; TYPE_BYTES[text[at]!] === 1; at++) hash = (Math.imul(hash, 31) + text[at]!) | 0;
    if (text[at] !== QUOTE || at === start || at - start > MAX_TYPE_CHARACTERS) return UNDECIDED;
    this.typeStart = start;
    this.typeEnd = at;
    this.typeHash = hash & 0x3fffffff;
    return at + 1;
  }

  /** Reads a text of 1 to `max` plain ASCII characters and returns the offset behind its closing quote. */
  #name(start: number, max: number): number {
    const text = TEXT;
    let at = start;
    while (NAME_BYTES[text[at]!] === 1) at++;
    return text[at] === QUOTE && at > start && at - start <= max ? at + 1 : UNDECIDED;
  }
}

/** Copies a message to the beginning of {@link TEXT} and unmasks it, one word at a time (RFC 6455, 5.3). */
function unmask(bytes: Buffer, from: number, to: number, mask: number): void {
  const words = TEXT_WORDS;
  TEXT.set(new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from));
  const last = (to - from + 3) >>> 2;
  if (mask !== 0) for (let index = 0; index < last; index++) words[index]! ^= mask;
  TEXT[to - from] = 0;
}
