import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HandlerTimeouts } from '../../src/gateway/dispatch/handler-timeouts.js';

const never = new Promise<never>(() => undefined);
const events: string[] = [];
const listener = {
  timedOut: (call: string, { message }: Error): void => void events.push(`${call} timed out: ${message}`),
  failedLate: (call: string, error: unknown): void => void events.push(`${call} failed: ${String(error)}`),
};

describe('handler timeouts', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => vi.useRealTimers());

  it('settle as the call does when it ends in time', async () => {
    const handlerTimeouts = new HandlerTimeouts<string>(60_000, listener);
    expect(await handlerTimeouts.within('a', Promise.resolve(7))).toBe(7);
    await expect(handlerTimeouts.within('b', Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('reject each call after its own timeout, and go on with the next', async () => {
    const handlerTimeouts = new HandlerTimeouts<string>(50, listener);
    const ended: string[] = [];
    const begin = async (name: string): Promise<void> => {
      await expect(handlerTimeouts.within(name, never)).rejects.toThrow('handler exceeded HANDLER_TIMEOUT_MS, 50 ms');
      ended.push(name);
    };
    const first = begin('first');
    await handlerTimeouts.within('c', Promise.resolve());
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

  it('report a call that takes too long, and its error after that, once each', async () => {
    events.length = 0;
    const handlerTimeouts = new HandlerTimeouts<string>(50, listener);
    let fail: (error: Error) => void = () => undefined;
    const call = handlerTimeouts.within('slow', new Promise((_, reject) => (fail = reject)));
    await Promise.all([
      expect(call).rejects.toThrow('handler exceeded HANDLER_TIMEOUT_MS, 50 ms'),
      vi.advanceTimersByTimeAsync(50),
    ]);
    fail(new Error('late'));
    await vi.advanceTimersByTimeAsync(50);
    expect(events).toEqual(['slow timed out: handler exceeded HANDLER_TIMEOUT_MS, 50 ms', 'slow failed: Error: late']);
  });

  it('limit a call and what follows it together', async () => {
    events.length = 0;
    const handlerTimeouts = new HandlerTimeouts<string>(50, listener);
    const after = (waitMs: number) => new Promise<number>((resolve) => setTimeout(resolve, waitMs, waitMs));
    const next = async (_: string, waitedMs: number): Promise<number> => waitedMs + (await after(waitedMs));
    const quick = handlerTimeouts.withinBoth('quick', after(20), next);
    await vi.advanceTimersByTimeAsync(40);
    expect(await quick).toBe(40);
    const broken = handlerTimeouts.withinBoth('broken', Promise.resolve(), () => events.at(-1)!.length);
    await expect(broken).rejects.toThrow(TypeError);
    await Promise.all([
      expect(handlerTimeouts.withinBoth('slow', after(30), next)).rejects.toThrow('exceeded'),
      expect(handlerTimeouts.withinBoth('late', after(60), next)).rejects.toThrow('exceeded'),
      vi.advanceTimersByTimeAsync(60),
    ]);
    expect(events.map((event) => event.split(':')[0])).toEqual(['slow timed out', 'late timed out']);
  });
});
