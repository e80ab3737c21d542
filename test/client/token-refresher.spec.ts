import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Token } from '../../packages/client/src/connect.js';
import { TokenRefresher } from '../../packages/client/src/token-refresher.js';
import { Deferred } from '../support/deferred.js';

const HOUR = 3_600_000;
const now = new Date('2026-11-27T10:00:00Z').getTime();

/** The fields of a token as a back end without types may give them. */
type Fields = Readonly<Record<string, unknown>>;

describe('a refresher of tokens', () => {
  let warn: ReturnType<typeof vi.spyOn>;
  let refresher: TokenRefresher | undefined;
  beforeEach(() => {
    vi.useFakeTimers({ now, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
  });
  afterEach(() => {
    refresher?.stop();
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  /** Starts a refresher as a connection does, and collects the seconds at which it fetches and what it reports. */
  async function started(fieldsOf: (calls: number) => Fields | Promise<never>, renew = async () => {}) {
    const seen = { atSeconds: [] as number[], renewed: 0, refused: [] as Error[] };
    const from = performance.now();
    const source = () => {
      seen.atSeconds.push(Math.round((performance.now() - from) / 1000));
      const fields = fieldsOf(seen.atSeconds.length);
      return fields instanceof Promise ? fields : ({ token: 'a.b.c', ...fields } as unknown as Token);
    };
    refresher = new TokenRefresher(source, 15_000, {
      renew: async () => {
        seen.renewed++;
        await renew();
      },
      refused: (error) => void seen.refused.push(error),
    });
    expect(await refresher.fetch()).toBe('a.b.c');
    refresher.start();
    return seen;
  }

  it.each<[string, () => Fields]>([
    ['milliseconds from now', () => ({ expiresInMs: HOUR })],
    ['milliseconds since 1970', () => ({ expiresAt: Date.now() + HOUR })],
    ['a Date', () => ({ expiresAt: new Date(Date.now() + HOUR) })],
    ['milliseconds from now, beside a time by a wrong clock', () => ({ expiresInMs: HOUR, expiresAt: now - HOUR })],
  ])('renews after three quarters of the time, given as %s', async (_, fields) => {
    const seen = await started(fields);
    await vi.advanceTimersByTimeAsync(2 * HOUR);
    expect(seen).toMatchObject({ atSeconds: [0, 2700, 5400], renewed: 2, refused: [] });
  });

  it.each([-HOUR, HOUR])('keeps the time of the renewal where the wall clock is set by %i ms', async (stepMs) => {
    const seen = await started(() => ({ expiresAt: Date.now() + HOUR }));
    vi.setSystemTime(Date.now() + stepMs);
    await vi.advanceTimersByTimeAsync(0.8 * HOUR);
    expect(seen.atSeconds).toEqual([0, 2700]);
  });

  it.each<[string, unknown]>([
    ['seconds since 1970', Math.floor(now / 1000) + 3600],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['an ISO date', new Date(now + HOUR).toISOString()],
    ['a text of milliseconds', String(now + HOUR)],
    ['an invalid Date', new Date('tomorrow')],
    ['an object', { seconds: 3600 }],
  ])('uses the token but refuses the expiry with words: %s', async (_, expiresAt) => {
    const seen = await started(() => ({ expiresAt }));
    expect(String(seen.refused)).toMatch(/^TypeError: expiresAt must be a Date or milliseconds since 1970/);
    await refresher!.fetch();
    expect(warn).toHaveBeenCalledOnce(); // once for each client
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each(['3600000', NaN, Infinity])('refuses %j as expiresInMs', async (expiresInMs) => {
    const seen = await started(() => ({ expiresInMs }));
    expect(String(seen.refused)).toContain('expiresInMs a number');
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([{}, { expiresAt: null }, { expiresInMs: null, expiresAt: undefined }])(
    'renews no token without an expiry: %j',
    async (fields) => {
      const seen = await started(() => fields);
      expect([seen.refused, vi.getTimerCount()]).toEqual([[], 0]);
    },
  );

  it.each([0, 1, HOUR, 24 * HOUR])('fetches rarely where each token has expired %i ms ago by its clock', async (ms) => {
    const seen = await started(() => ({ expiresAt: Date.now() - ms }));
    await vi.advanceTimersByTimeAsync(12_000);
    expect(seen.atSeconds).toEqual([0, 1, 3, 7]);
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(seen.atSeconds.length).toBeLessThan(25);
  });

  it('backs off while the server refuses the new token, and is prompt again afterwards', async () => {
    let refusals = 4;
    const seen = await started(
      () => ({ expiresInMs: 40_000 }),
      async () => {
        if (refusals-- > 0) throw new Error('unavailable');
      },
    );
    await vi.advanceTimersByTimeAsync(120_000);
    expect(seen.atSeconds).toEqual([0, 30, 31, 33, 37, 45, 75, 105]);
  });

  it('backs off while the source fails', async () => {
    const seen = await started((calls) => (calls > 1 ? Promise.reject(new Error('offline')) : { expiresInMs: 4000 }));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(seen.atSeconds).toEqual([0, 3, 4, 6, 10, 18]);
  });

  it('renews the token of the next connection, although a token of the last one arrives late', async () => {
    const late = new Deferred<Token>();
    let calls = 0;
    const tokens = [late.promise, { token: 'next', expiresInMs: HOUR }];
    const renewed: string[] = [];
    const renew = async (token: string) => void renewed.push(token);
    const source = () => tokens[calls++] ?? 'renewed';
    refresher = new TokenRefresher(source, 15_000, { renew, refused: () => undefined });
    const last = refresher.fetch();
    refresher.stop();
    expect(await refresher.fetch()).toBe('next');
    late.resolve({ token: 'late' });
    await last;
    refresher.start();
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(renewed).toEqual(['renewed']);
  });

  it('waits for a token that expires in a year', async () => {
    const seen = await started(() => ({ expiresInMs: 365 * 24 * HOUR }));
    await vi.advanceTimersByTimeAsync(24 * HOUR);
    expect(seen.atSeconds).toEqual([0]);
  });
});
