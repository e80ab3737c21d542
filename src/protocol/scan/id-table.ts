import { SESSION_ID_CHARACTERS } from '../identifiers.js';
import { HIGH_BITS, isIdentifier, LITTLE_ENDIAN, TEXT_VIEW, UNDECIDED } from './json-scanner.js';

/** The last word overlaps the one before, so that no character stands alone. */
const WORD_OFFSETS = [0, 4, 8, 12, 16, 20, SESSION_ID_CHARACTERS - 4] as const;
const WORDS = WORD_OFFSETS.length;
const FIRST_SLOTS = 64;
/** The id that is being taken in. */
const ID = Buffer.alloc(SESSION_ID_CHARACTERS);
const ID_VIEW = new DataView(ID.buffer, ID.byteOffset, ID.length);

/**
 * The ids of a node's sessions as words, one slot each, so that an id is compared and written four characters at a time.
 * Grows with the most sessions there ever were; slots of those that left are used again.
 */
export class IdTable {
  #words = new Int32Array(FIRST_SLOTS * WORDS);
  #used = 0;
  readonly #free: number[] = [];

  /** Takes an id in and returns its slot. */
  add(id: string): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot * WORDS === this.#words.length) this.#grow();
    ID.write(id, 'latin1');
    for (let index = 0; index < WORDS; index++)
      this.#words[slot * WORDS + index] = ID_VIEW.getInt32(WORD_OFFSETS[index]!, LITTLE_ENDIAN);
    return slot;
  }

  /** Frees a slot. Whoever held it must not use it any more: the next id gets it. */
  remove(slot: number): void {
    this.#free.push(slot);
  }

  /** The id's hash, that of {@link idHashAt}. */
  hash(slot: number): number {
    let hash = 0;
    for (let index = 0; index < WORDS; index++) hash = mixed(hash, this.#words[slot * WORDS + index]!);
    return finished(hash);
  }

  /** Tells whether the scanned text has this id at `at`. */
  equalsAt(slot: number, at: number): boolean {
    const words = this.#words;
    const first = slot * WORDS;
    for (let index = 0; index < WORDS; index++)
      if (words[first + index] !== TEXT_VIEW.getInt32(at + WORD_OFFSETS[index]!, LITTLE_ENDIAN)) return false;
    return true;
  }

  /** Writes the id at `at`. */
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
 * Hashes what stands at `at` of the scanned text as if it were a session id: a V8 small integer, or `UNSURE` where it
 * holds anything but printable ASCII without escapes.
 */
export function idHashAt(at: number): number {
  let hash = 0;
  let high = 0;
  for (let index = 0; index < WORDS; index++) {
    const word = TEXT_VIEW.getInt32(at + WORD_OFFSETS[index]!, LITTLE_ENDIAN);
    if (!isIdentifier(word)) return UNDECIDED;
    high |= word + 0x01010101; // finds 0x7f
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
