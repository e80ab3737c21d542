import { describe, expect, it } from 'vitest';

/** The benchmark is JavaScript without declarations, and these modules need none of its packages. */
const load = (name: string) => import(new URL(`../../bench/harness/${name}.js`, import.meta.url).href);

describe('the order of servers in a round', async () => {
  const { orderOf } = await load('rounds');
  const named = (...names: string[]) => names.map((name) => ({ name }));
  const order = (servers: { name: string }[], round: number): string[] =>
    orderOf(servers, round).map(({ name }: { name: string }) => name);
  const six = named('a', 'b', 'c', 'd', 'e', 'f');

  it('has every server once, and is the same in each run', () => {
    for (let round = 0; round < 5; round++) {
      expect(order(six, round).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
      expect(order(six, round)).toEqual(order(six, round));
    }
  });

  it('gives each server several predecessors', () => {
    for (const { name } of six) {
      const before = Array.from({ length: 5 }, (_, round) => order(six, round)).map(
        (each) => each[each.indexOf(name) - 1],
      );
      expect(new Set(before).size).toBeGreaterThan(2);
    }
  });

  it('lets each of two servers be first in turn', () => {
    const two = named('a', 'b');
    expect(order(two, 0)).not.toEqual(order(two, 1));
    expect(order(two, 2)).not.toEqual(order(two, 3));
  });
});
