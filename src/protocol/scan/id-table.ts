import { SESSION_ID_CHARACTERS } from '../identifiers.js';
import { HIGH_BITS, isPlainWord, LITTLE_ENDIAN, TEXT_VIEW, UNDECIDED } from './json-scanner.js';

/** The last word overlaps the one before, so that an id is whole words only. */
const WORD_OFFSETS = [0, 4, 8, 12, 16, 20, SESSION_ID_CHARACTERS - 4] as const;
const WORDS = WORD_OFFSETS.length;
const FIRST_SLOTS = 64;
/** Buffer for the id that is added. */
const ID = Buffer.alloc(SESSION_ID_CHARACTERS);
const ID_VIEW = new DataView(ID.buffer, ID.byteOffset, ID.length);

/**
 * Holds the ids of sessions as 32-bit words, one slot each, so that ids are compared and written four characters at a
 * time. Slots of removed ids are reused; the table never shrinks.
 */
export class IdTable {
  #words = new Int32Array(FIRST_SLOTS * WORDS);
  #used = 0;
  readonly #free: number[] = [];

  /** Adds an id and returns its slot. */
  add(id: string): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot * WORDS === this.#words.length) this.#grow();
    ID.write(id, 'latin1');
    for (let index = 0; index < WORDS; index++)
      this.#words[slot * WORDS + index] = ID_VIEW.getInt32(WORD_OFFSETS[index]!, LITTLE_ENDIAN);
    return slot;
  }

  /** Frees a slot. The caller must not use the slot any more, because the next id gets it. */
  remove(slot: number): void {
    this.#free.push(slot);
  }

  /** Returns the hash of an id, the same as {@link idHashAt}. */
  hash(slot: number): number {
    let hash = 0;
    for (let index = 0; index < WORDS; index++) hash = mixed(hash, this.#words[slot * WORDS + index]!);
    return finished(hash);
  }

  /** Returns whether {@link TEXT} has this id at an offset. */
  equalsAt(slot: number, at: number): boolean {
    const words = this.#words;
    const first = slot * WORDS;
    for (let index = 0; index < WORDS; index++)
      if (words[first + index] !== TEXT_VIEW.getInt32(at + WORD_OFFSETS[index]!, LITTLE_ENDIAN)) return false;
    return true;
  }

  /** Writes an id at an offset. */
  write(slot: number, view: DataView, at: number): void {
    const words = this.#words;
    const first = slot * WORDS;
    for (let index = 0; index < WORDS; index++)
      view.setInt32(at + WORD_OFFSETS[index]!, words[first + index]!, LITTLE_ENDIAN);
  }

  #grow(): void {
    const larger = new Int32Array(this.#words.length * 2);
    larger.set(this.#words);
    this.#words = larger;
  }
}

/**
 * Hashes the characters of a possible session id in {@link TEXT}. Returns a V8 small integer, or {@link UNDECIDED}
 * where they are not printable ASCII without quotes and escapes.
 */
export function idHashAt(at: number): number {
  let hash = 0;
  let high = 0;
  for (let index = 0; index < WORDS; index++) {
    const word = TEXT_VIEW.getInt32(at + WORD_OFFSETS[index]!, LITTLE_ENDIAN);
    if (!isPlainWord(word)) return UNDECIDED;
    high |= word + 0x01010101; // sets the high bit for 0x7f
    hash = mixed(hash, word);
  }
  return (high & HIGH_BITS) === 0 ? finished(hash) : UNDECIDED;
}

function mixed(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193);
}

function finished(hash: number): number {
  return (hash ^ (hash >>> 15)) & 0x3fffffff;
}
