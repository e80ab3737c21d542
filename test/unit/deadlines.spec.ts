import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../src/gateway/deadlines.js';

const never = new Promise<never>(() => undefined);

describe('deadlines', () => {
  it('let a call that ends in time be what it is', async () => {
    const deadlines = new Deadlines(60_000);
    expect(await deadlines.within(Promise.resolve(7))).toBe(7);
    await expect(deadlines.within(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('end each call that takes too long, no sooner than its own time, and go on with the next', async () => {
    const deadlines = new Deadlines(50);
    const tookMs = async (): Promise<number> => {
      const began = performance.now();
      await expect(deadlines.within(never)).rejects.toThrow('a handler took longer than 50 ms');
      return performance.now() - began;
    };
    const first = tookMs();
    await deadlines.within(Promise.resolve());
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = tookMs();
    expect(await first).toBeGreaterThanOrEqual(49);
    expect(await second).toBeGreaterThanOrEqual(49);
    expect(await tookMs()).toBeGreaterThanOrEqual(49);
  });
});
