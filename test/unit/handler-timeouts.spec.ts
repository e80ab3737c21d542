import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HandlerTimeouts } from '../../src/gateway/dispatch/handler-timeouts.js';

const never = new Promise<never>(() => undefined);

describe('handler timeouts', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => vi.useRealTimers());

  it('settle as the call does when it ends in time', async () => {
    const handlerTimeouts = new HandlerTimeouts(60_000);
    expect(await handlerTimeouts.within(Promise.resolve(7))).toBe(7);
    await expect(handlerTimeouts.within(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('reject each call after its own timeout, and go on with the next', async () => {
    const handlerTimeouts = new HandlerTimeouts(50);
    const ended: string[] = [];
    const begin = async (name: string): Promise<void> => {
      await expect(handlerTimeouts.within(never)).rejects.toThrow('handler exceeded HANDLER_TIMEOUT_MS, 50 ms');
      ended.push(name);
    };
    const first = begin('first');
    await handlerTimeouts.within(Promise.resolve());
    await vi.advanceTimersByTimeAsync(20);
    const second = begin('second');
    await vi.advanceTimersByTimeAsync(29);
    expect(ended).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toEqual(['first']);
    await vi.advanceTimersByTimeAsync(19);
    expect(ended).toEqual(['first']);
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toEqual(['first', 'second']);
    await Promise.all([first, second]);
    const third = begin('third');
    await vi.advanceTimersByTimeAsync(50);
    await third;
  });
});
