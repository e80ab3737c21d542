import { describe, expect, it } from 'vitest';
import { IdOrder } from '../../src/groups/id-order.js';
import { Random } from '../support/random.js';

/** More ids than a list holds. */
const MANY = 2000;

describe('the order of ids', () => {
  const name = (number: number): string => String(number).padStart(6, '0');

  it('lists the ids of its start page by page', () => {
    const order = new IdOrder(['c', 'a', 'b']);
    expect(order.page(undefined, 2)).toEqual({ sessions: ['a', 'b'], total: 3, next: 'b' });
    expect(order.page('b', 2)).toEqual({ sessions: ['c'], total: 3 });
    expect(order.page('c', 2)).toEqual({ sessions: [], total: 3 });
    expect(new IdOrder([]).page(undefined, 2)).toEqual({ sessions: [], total: 0 });
  });

  it('takes the first id, and the last one away', () => {
    const order = new IdOrder([]);
    order.add('a');
    expect(order.page(undefined, 5)).toEqual({ sessions: ['a'], total: 1 });
    order.remove('b');
    order.remove('a');
    order.remove('a');
    expect(order.page('a', 5)).toEqual({ sessions: [], total: 0 });
  });

  it('lists many ids as a sorted array does, whatever is added and removed', () => {
    const random = new Random(5);
    const present = new Set(Array.from({ length: MANY / 2 }, () => name(random.below(MANY))));
    const order = new IdOrder(present);
    for (let step = 0; step < 6000; step++) {
      const id = name(random.below(MANY));
      // First more ids are added, then more are removed.
      if (random.below(10) < (step < 3000 ? 7 : 2)) {
        if (!present.has(id)) order.add(id);
        present.add(id);
      } else {
        order.remove(id);
        present.delete(id);
      }
      if (step % 50 !== 0) continue;
      const sorted = [...present].toSorted();
      const after = random.once(4) ? undefined : name(random.below(MANY));
      const limit = random.between(1, MANY);
      const rest = after === undefined ? sorted : sorted.filter((each) => each > after);
      const sessions = rest.slice(0, limit);
      const next = rest.length > limit ? { next: sessions.at(-1) } : {};
      expect(order.page(after, limit)).toEqual({ sessions, total: sorted.length, ...next });
    }
  });
});
