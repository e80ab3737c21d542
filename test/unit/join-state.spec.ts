import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/cluster/clock.js';
import { JoinState } from '../../src/cluster/membership/join-state.js';
import { Log } from '../../src/telemetry/log.js';
import { TICKS_PER_HEARTBEAT, TICKS_PER_TIMEOUT } from '../../src/cluster/ticks.js';

const TICK_MS = 250;

describe('the join state', () => {
  let state: JoinState;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    state = new JoinState(new Clock(new Log({ logLevel: 'error', logFormat: 'text' })));
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const tick = (count: number): boolean[] =>
    Array.from({ length: count }, () => {
      vi.advanceTimersByTime(TICK_MS);
      return state.tick();
    });

  it('has been disconnected since its start until it joins, and again after a disconnection', () => {
    const startMs = performance.now();
    vi.advanceTimersByTime(TICK_MS);
    expect([state.joined, state.outage]).toMatchObject([false, { sinceMs: startMs, kind: 'starting' }]);
    state.disconnect('lost', 'no server');
    expect(state.outage).toEqual({ sinceMs: startMs, kind: 'starting', reason: 'no server' });
    state.join();
    expect([state.joined, state.outage]).toEqual([true, undefined]);
    vi.advanceTimersByTime(TICK_MS);
    state.disconnect('lost', 'cut');
    const lostMs = performance.now();
    vi.advanceTimersByTime(TICK_MS);
    state.disconnect('lost', 'no server');
    expect([state.joined, state.outage]).toEqual([false, { sinceMs: lostMs, kind: 'lost', reason: 'no server' }]);
  });

  it('stays refused until it joins, also where the connection is lost meanwhile', () => {
    state.join();
    state.disconnect('lost', 'cut');
    const lostMs = performance.now();
    state.disconnect('refused', 'denied');
    state.disconnect('lost', 'no server');
    expect(state.outage).toEqual({ sinceMs: lostMs, kind: 'refused', reason: 'no server' });
  });

  it('is settled a whole timeout after the node joined', () => {
    tick(3);
    state.join();
    tick(TICKS_PER_TIMEOUT - 1);
    expect(state.settled).toBe(false);
    tick(1);
    expect(state.settled).toBe(true);
  });

  it('makes a heartbeat due every few ticks', () => {
    expect(tick(2 * TICKS_PER_HEARTBEAT).filter((isDue) => isDue)).toHaveLength(2);
  });
});
