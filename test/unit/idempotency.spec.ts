import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MessageError } from '../../src/protocol/index.js';
import { Idempotency } from '../../src/ops/api/idempotency.js';

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

  const once = (key: string | undefined, scope = 'ann', body = '{}') => kept.once(key, scope, body, async () => ++done);

  it('has its effect once for whoever bears the same API key', async () => {
    expect(await Promise.all([once('a'), once('a'), once('b')])).toEqual([
      { answer: 1, replayed: false },
      { answer: 1, replayed: true },
      { answer: 2, replayed: false },
    ]);
    expect(await once('a', 'bob')).toEqual({ answer: 3, replayed: false });
  });

  it('is not needed', async () => {
    expect((await Promise.all([once(undefined), once(undefined)])).map(({ answer }) => answer)).toEqual([1, 2]);
  });

  it('is for one body', async () => {
    await once('a');
    await expect(once('a', 'ann', '{"other":1}')).rejects.toThrow('another body');
    expect(done).toBe(1);
  });

  it('is as good as new after what was refused', async () => {
    const refused = async (): Promise<never> => {
      throw new Error('refused');
    };
    await expect(kept.once('a', 'ann', '{}', refused)).rejects.toThrow('refused');
    expect(await once('a', 'ann', '{"other":1}')).toEqual({ answer: 1, replayed: false });
  });

  it('is not tried again where nobody knows whether it had its effect', async () => {
    const unavailable = async (): Promise<never> => {
      done++;
      throw MessageError.of('unavailable');
    };
    for (let count = 0; count < 2; count++)
      await expect(kept.once('a', 'ann', '{}', unavailable)).rejects.toMatchObject({ code: 'unavailable' });
    expect(done).toBe(1);
  });

  it('is forgotten after ten minutes, whatever the clock on the wall says', async () => {
    await once('a');
    vi.advanceTimersByTime(TEN_MINUTES_MS - 1);
    expect((await once('a')).replayed).toBe(true);
    vi.advanceTimersByTime(1);
    expect((await once('a')).replayed).toBe(false);
  });

  it('makes room for newer ones', async () => {
    for (let number = 0; number <= MOST; number++) await once(`key-${number}`);
    expect([(await once(`key-${MOST}`)).replayed, (await once('key-1')).replayed]).toEqual([true, true]);
    expect((await once('key-0')).replayed).toBe(false);
  });
});
