import { hashTextAt, isTextAt, TEXT } from '../protocol/index.js';
import type { Room } from './room.js';

/** Rooms that are found without making a text of their name; a power of two. */
const SLOTS = 4096;

/** Finds rooms by the bytes of their names in the scanned text. Makes no text for a room that was found before. */
export class RoomLookup {
  readonly #slots: (Room | undefined)[] = Array.from({ length: SLOTS });

  constructor(private readonly rooms: ReadonlyMap<string, Room>) {}

  /** Finds the room whose name is the ASCII text at `[from, to)` of `TEXT`. */
  find(from: number, to: number): Room | undefined {
    const hash = hashTextAt(from, to);
    const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1);
    const found = this.#slots[slot];
    // A room without members is gone, and another one may have its name.
    if (found !== undefined && found.size > 0 && isTextAt(found.name, from, to)) return found;
    return (this.#slots[slot] = this.rooms.get(TEXT.toString('latin1', from, to)));
  }
}
