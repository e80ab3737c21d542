import { describe, expect, it } from 'vitest';
import { SortedIds } from '../../src/sessions/sorted-ids.js';
import { Random } from '../support/random.js';

/** Keeps the same ids in a set and in `SortedIds`. */
class Both {
  readonly set = new Set<string>();
  readonly sorted = new SortedIds(() => this.set);

  add(id: string): void {
    this.set.add(id);
    this.sorted.add(id);
  }

  remove(id: string): void {
    this.set.delete(id);
    this.sorted.remove(id);
  }

  inOrder(): string[] {
    return [...this.set].toSorted();
  }
}

describe('sorted ids', () => {
  const of = (...ids: string[]): Both => {
    const both = new Both();
    for (const id of ids) both.add(id);
    return both;
  };

  it('return an empty last page where there are none', () => {
    expect(of().sorted.page(undefined, 10)).toEqual({ sessions: [], total: 0 });
    expect(of().sorted.page('x', 10)).toEqual({ sessions: [], total: 0 });
  });

  it('are paged, with `next` on every page but the last', () => {
    const { sorted } = of('d', 'b', 'a', 'c', 'e');
    expect(sorted.page(undefined, 2)).toEqual({ sessions: ['a', 'b'], total: 5, next: 'b' });
    expect(sorted.page('b', 2)).toEqual({ sessions: ['c', 'd'], total: 5, next: 'd' });
    expect(sorted.page('d', 2)).toEqual({ sessions: ['e'], total: 5 });
    expect(sorted.page(undefined, 5)).toEqual({ sessions: ['a', 'b', 'c', 'd', 'e'], total: 5 });
    expect(sorted.page('e', 2)).toEqual({ sessions: [], total: 5 });
  });

  it('continue after an id that never existed, and after a removed one', () => {
    const both = of('a', 'c', 'e');
    expect(both.sorted.page('b', 1).sessions).toEqual(['c']);
    both.remove('c');
    expect(both.sorted.page('c', 1).sessions).toEqual(['e']);
  });

  it('include only ids present after additions and removals between two pages', () => {
    const both = of('a', 'b');
    both.sorted.page(undefined, 10);
    both.add('c');
    both.remove('c');
    both.remove('a');
    both.add('a');
    expect(both.sorted.page(undefined, 10)).toEqual({ sessions: ['a', 'b'], total: 2 });
  });

  it('equal a sorted set after any additions and removals', () => {
    const random = new Random(20_261_121);
    const both = new Both();
    let fresh = 0;
    for (let step = 0; step < 20_000; step++) {
      const choice = random.between(0, 3);
      if (choice < 2) both.add(`${random.next().toString(36)}.${fresh++}`);
      else if (both.set.size > 0 && choice === 2) both.remove(random.pick([...both.set]));
      else if (random.once(8)) {
        const ids = both.inOrder();
        const after = random.once(3) ? undefined : random.next().toString(36);
        const limit = random.between(1, 50);
        const behind = after === undefined ? ids : ids.filter((id) => id > after);
        const { sessions, total, next } = both.sorted.page(after, limit);
        expect({ sessions, total }).toEqual({ sessions: behind.slice(0, limit), total: ids.length });
        expect(next).toBe(behind.length > limit ? behind[limit - 1] : undefined);
      }
    }
  });
});
