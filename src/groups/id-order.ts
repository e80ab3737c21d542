import type { IdPage } from '../sessions/sorted-ids.js';

/** Ids of a list when it is made. A list of twice as many is divided. */
const LIST_IDS = 256;

/**
 * Keeps ids in ascending order, in short lists one behind the other. A change costs no more than one list, and a page no
 * more than its own length, because each join of a room is answered with a page.
 */
export class IdOrder {
  readonly #lists: string[][] = [];
  #size = 0;

  constructor(ids: Iterable<string>) {
    const sorted = [...ids].toSorted();
    for (let at = 0; at < sorted.length; at += LIST_IDS) this.#lists.push(sorted.slice(at, at + LIST_IDS));
    this.#size = sorted.length;
  }

  /** Adds an id that is not there yet. */
  add(id: string): void {
    this.#size++;
    const index = Math.min(this.#listOf(id), this.#lists.length - 1);
    const list = this.#lists[index];
    if (list === undefined) this.#lists.push([id]);
    else {
      list.splice(placeOf(list, id), 0, id);
      if (list.length >= 2 * LIST_IDS) this.#lists.splice(index + 1, 0, list.splice(LIST_IDS));
    }
  }

  /** Removes an id; does nothing for an unknown one. */
  remove(id: string): void {
    const index = this.#listOf(id);
    const list = this.#lists[index];
    if (list === undefined) return;
    const place = placeOf(list, id);
    if (list[place] !== id) return;
    this.#size--;
    list.splice(place, 1);
    if (list.length === 0) this.#lists.splice(index, 1);
  }

  /** @param after ids up to and including this one are skipped, whether it still exists or not */
  page(after: string | undefined, limit: number): IdPage {
    const sessions: string[] = [];
    const lists = this.#lists;
    let index = after === undefined ? 0 : this.#listOf(after);
    let place = after === undefined ? 0 : placeBehind(lists[index] ?? [], after);
    for (; index < lists.length && sessions.length < limit; index++, place = 0)
      sessions.push(...lists[index]!.slice(place, place + limit - sessions.length));
    const last = sessions.at(-1);
    const isMore = last !== undefined && last !== lists.at(-1)!.at(-1);
    return { sessions, total: this.#size, ...(isMore && { next: last }) };
  }

  /** Returns the index of the first list that ends with this id or a greater one; the number of lists where none does. */
  #listOf(id: string): number {
    let low = 0;
    let high = this.#lists.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#lists[middle]!.at(-1)! < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Returns the place of an id in a list, or the place where it belongs. */
function placeOf(list: readonly string[], id: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns the place of the first id in a list that is greater. */
function placeBehind(list: readonly string[], id: string): number {
  const place = placeOf(list, id);
  return list[place] === id ? place + 1 : place;
}
