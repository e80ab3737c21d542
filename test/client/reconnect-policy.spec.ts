import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReconnectPolicy } from '../../packages/client/src/reconnect-policy.js';

const HOUR = 3_600_000;

describe('the wait before a reconnect, while the wall clock is set', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it.each([-HOUR, HOUR])('by %i ms, is what the server asked for', (stepMs) => {
    const policy = new ReconnectPolicy(1000, 30_000);
    policy.connected();
    policy.scheduled(1500);
    vi.setSystemTime(Date.now() + stepMs);
    vi.advanceTimersByTime(500);
    expect(policy.delayMs(1012)).toBe(1000);
  });

  it.each([-HOUR, HOUR])('by %i ms, is short after a steady connection, and grows after short ones', (stepMs) => {
    const policy = new ReconnectPolicy(1000, 30_000);
    const delays = [6000, 100, 100, 6000].map((connectedMs) => {
      policy.connected();
      vi.setSystemTime(Date.now() + stepMs);
      vi.advanceTimersByTime(connectedMs);
      return policy.delayMs(1006);
    });
    expect(delays).toEqual([500, 1000, 2000, 500]);
  });

  it('is not that of an earlier connection', () => {
    const policy = new ReconnectPolicy(1000, 30_000);
    policy.connected();
    policy.scheduled(20_000);
    policy.connected();
    expect(policy.delayMs(1006)).toBe(500);
  });

  it('stays within its bound after any number of failures', () => {
    const policy = new ReconnectPolicy(1000, 30_000);
    for (let count = 0; count < 2000; count++) policy.delayMs(1006);
    expect(policy.delayMs(1006)).toBe(15_000);
  });
});
