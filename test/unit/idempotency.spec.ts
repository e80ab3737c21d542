import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MessageError } from '../../src/protocol/index.js';
import { Idempotency } from '../../src/ops/api/idempotency.js';

const TEN_MINUTES_MS = 600_000;
const MAX_CACHED = 10_000;

describe('an idempotency key', () => {
  let idempotency: Idempotency<number>;
  let done: number;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    idempotency = new Idempotency();
    done = 0;
  });
  afterEach(() => vi.useRealTimers());

  const once = (key: string | undefined, scope = 'ann', body = '{}') =>
    idempotency.once(key, scope, body, async () => ++done);

  it('runs a request once for each scope', async () => {
    expect(await Promise.all([once('a'), once('a'), once('b')])).toEqual([
      { answer: 1, replayed: false },
      { answer: 1, replayed: true },
      { answer: 2, replayed: false },
    ]);
    expect(await once('a', 'bob')).toEqual({ answer: 3, replayed: false });
  });

  it('is optional', async () => {
    expect((await Promise.all([once(undefined), once(undefined)])).map(({ answer }) => answer)).toEqual([1, 2]);
  });

  it('is valid for one body only', async () => {
    await once('a');
    await expect(once('a', 'ann', '{"other":1}')).rejects.toThrow('another body');
    expect(done).toBe(1);
  });

  it('is free again after a request that failed', async () => {
    const refused = async (): Promise<never> => {
      throw new Error('refused');
    };
    await expect(idempotency.once('a', 'ann', '{}', refused)).rejects.toThrow('refused');
    expect(await once('a', 'ann', '{"other":1}')).toEqual({ answer: 1, replayed: false });
  });

  it('does not run a request again whose effect is unknown', async () => {
    const unavailable = async (): Promise<never> => {
      done++;
      throw MessageError.of('unavailable');
    };
    for (let count = 0; count < 2; count++)
      await expect(idempotency.once('a', 'ann', '{}', unavailable)).rejects.toMatchObject({ code: 'unavailable' });
    expect(done).toBe(1);
  });

  it('expires after ten minutes of the monotonic clock', async () => {
    await once('a');
    vi.advanceTimersByTime(TEN_MINUTES_MS - 1);
    expect((await once('a')).replayed).toBe(true);
    vi.advanceTimersByTime(1);
    expect((await once('a')).replayed).toBe(false);
  });

  it('is dropped first when newer keys exceed the limit', async () => {
    for (let number = 0; number <= MAX_CACHED; number++) await once(`key-${number}`);
    expect([(await once(`key-${MAX_CACHED}`)).replayed, (await once('key-1')).replayed]).toEqual([true, true]);
    expect((await once('key-0')).replayed).toBe(false);
  });
});
