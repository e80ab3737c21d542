import {
  BACKSLASH,
  byteSet,
  CLOSE_BRACE,
  COLON,
  COMMA,
  JsonScanner,
  OPEN_BRACE,
  QUOTE,
  UNSURE,
} from './json-scanner.js';
import { MAX_ID_CHARACTERS, MAX_RECEIVER_CHARACTERS, MAX_TYPE_CHARACTERS } from './limits.js';

const TYPE_BYTES = byteSet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-');

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
export class EnvelopeScanner extends JsonScanner {
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
  /**
   * Tells whether `bytes[start, end)` is surely a valid message.
   *
   * @param mask the four mask bytes as a little-endian number, 0 for bytes that are not masked
   */
  scan(bytes: Buffer, start: number, end: number, mask: number): boolean {
    this.begin(bytes, start, end, mask);
    this.typeStart = this.receiverStart = this.idStart = this.dataStart = -1;
    return (
      end - start > 2 && this.byte(start) === OPEN_BRACE && this.#members(start + 1) === end && this.typeStart >= 0
    );
  }

  #members(at: number): number {
    for (;;) {
      at = this.space(at);
      if (this.byte(at) !== QUOTE) return UNSURE;
      const key = at + 1;
      at = this.#name(key, MAX_TYPE_CHARACTERS);
      if (at === UNSURE) return UNSURE;
      const length = at - key - 1;
      at = this.space(at);
      if (this.byte(at) !== COLON) return UNSURE;
      at = this.#field(key, length, this.space(at + 1));
      if (at === UNSURE) return UNSURE;
      at = this.space(at);
      const next = this.byte(at++);
      if (next === CLOSE_BRACE) return at;
      if (next !== COMMA || at >= this.end) return UNSURE;
    }
  }

  /** Reads the value at `at` of the key that stands at `key`; each field may come once. */
  #field(key: number, length: number, at: number): number {
    if (length === 4 && this.dataStart < 0 && this.#is(key, 'data')) {
      this.dataStart = at;
      this.dataEnd = this.value(at);
      return this.dataEnd;
    }
    if (at >= this.end || this.byte(at) !== QUOTE) return UNSURE;
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
    const bytes = this.bytes;
    const mask = this.mask;
    const limit = Math.min(this.end, at + max + 1);
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
    const bytes = this.bytes;
    const mask = this.mask;
    const limit = Math.min(this.end, start + MAX_TYPE_CHARACTERS + 1);
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
    if (at + text.length > this.end) return false;
    for (let index = 0; index < text.length; index++)
      if (this.byte(at + index) !== text.charCodeAt(index)) return false;
    return true;
  }
}
