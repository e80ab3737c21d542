import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Idempotency } from '../../src/ops/idempotency.js';

const TEN_MINUTES_MS = 600_000;
const MOST = 10_000;

describe('an idempotency key', () => {
  let kept: Idempotency<number>;
  let done: number;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    kept = new Idempotency();
    done = 0;
  });
  afterEach(() => vi.useRealTimers());

  const once = (key: string | undefined, scope = 'ann', body = '{}') => kept.once(key, scope, body, () => ++done);

  it('has its effect once for whoever bears the same API key', () => {
    expect([once('a'), once('a'), once('b')]).toEqual([
      { answer: 1, replayed: false },
      { answer: 1, replayed: true },
      { answer: 2, replayed: false },
    ]);
    expect(once('a', 'bob')).toEqual({ answer: 3, replayed: false });
  });

  it('is not needed', () => {
    expect([once(undefined), once(undefined)].map(({ answer }) => answer)).toEqual([1, 2]);
  });

  it('is for one body', () => {
    once('a');
    expect(() => once('a', 'ann', '{"other":1}')).toThrow('another body');
    expect(done).toBe(1);
  });

  it('is as good as new after what was refused', () => {
    const refused = (): never => {
      throw new Error('refused');
    };
    expect(() => kept.once('a', 'ann', '{}', refused)).toThrow('refused');
    expect(once('a', 'ann', '{"other":1}')).toEqual({ answer: 1, replayed: false });
  });

  it('is forgotten after ten minutes, whatever the clock on the wall says', () => {
    once('a');
    vi.advanceTimersByTime(TEN_MINUTES_MS - 1);
    expect(once('a').replayed).toBe(true);
    vi.advanceTimersByTime(1);
    expect(once('a').replayed).toBe(false);
  });

  it('makes room for newer ones', () => {
    for (let number = 0; number <= MOST; number++) once(`key-${number}`);
    expect([once(`key-${MOST}`).replayed, once('key-1').replayed]).toEqual([true, true]);
    expect(once('key-0').replayed).toBe(false);
  });
});
