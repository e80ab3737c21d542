/** One page of ids in ascending order. */
export interface IdPage {
  readonly sessions: readonly string[];
  /** Number of all ids. */
  readonly total: number;
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string;
}

/**
 * Returns pages of ids in ascending order. Sorts nothing before the first page is requested. After that, added and
 * removed ids are collected, and merged in one pass at the next request for a page.
 */
export class SortedIds {
  #sorted: string[] | undefined;
  #added = new Set<string>();
  #removed = new Set<string>();

  /** @param all returns all present ids; read for the first page only */
  constructor(private readonly all: () => Iterable<string>) {}

  add(id: string): void {
    if (this.#sorted !== undefined) this.#added.add(id);
  }

  remove(id: string): void {
    if (this.#sorted !== undefined && !this.#added.delete(id)) this.#removed.add(id);
  }

  /** @param after ids up to and including this one are skipped, whether it still exists or not */
  page(after: string | undefined, limit: number): IdPage {
    const ids = (this.#sorted = this.#sorted === undefined ? [...this.all()].toSorted() : this.#merge(this.#sorted));
    const from = after === undefined ? 0 : firstIndexAfter(ids, after);
    const sessions = ids.slice(from, from + limit);
    const last = sessions.at(-1);
    const more = last !== undefined && from + limit < ids.length;
    return { sessions, total: ids.length, ...(more ? { next: last } : {}) };
  }

  #merge(sorted: string[]): string[] {
    if (this.#added.size === 0 && this.#removed.size === 0) return sorted;
    const added = [...this.#added].toSorted();
    const merged: string[] = [];
    let next = 0;
    for (const id of sorted) {
      while (next < added.length && added[next]! < id) merged.push(added[next++]!);
      if (!this.#removed.has(id)) merged.push(id);
    }
    while (next < added.length) merged.push(added[next++]!);
    this.#added = new Set();
    this.#removed = new Set();
    return merged;
  }
}

function firstIndexAfter(ids: readonly string[], after: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
