import { describe, expect, it } from 'vitest';
import { ConnectionCounter } from '../../src/limits/connection-counter.js';

describe('a connection counter', () => {
  it('counts up to its limit, by key', () => {
    const counter = new ConnectionCounter(2);
    expect(['a', 'a', 'a', 'b'].map((key) => counter.acquire(key))).toEqual([true, true, false, true]);
    counter.release('a');
    expect([counter.count('a'), counter.isFull('a'), counter.acquire('a')]).toEqual([1, false, true]);
  });

  it('adds the connections of other nodes to the limit, and never counts them as its own', () => {
    let others = 1;
    const counter = new ConnectionCounter(2, (key) => (key === 'a' ? others : 0));
    expect([counter.acquire('a'), counter.acquire('a'), counter.count('a')]).toEqual([true, false, 1]);
    others = 0;
    expect(counter.acquire('a')).toBe(true);
    others = 5;
    counter.release('a');
    expect([counter.count('a'), counter.isFull('a'), counter.isFull('b')]).toEqual([1, true, false]);
  });

  it('counts nothing without a limit', () => {
    const counter = new ConnectionCounter(0, () => 5);
    for (let count = 0; count < 3; count++) expect(counter.acquire('a')).toBe(true);
    expect([counter.count('a'), counter.isFull('a')]).toEqual([0, false]);
    counter.release('a');
  });
});
