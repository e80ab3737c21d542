import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventLoopDelay } from '../../src/telemetry/event-loop-delay.js';

describe('the delay of the event loop', () => {
  let eventLoopDelay: EventLoopDelay;

  beforeEach(() => {
    eventLoopDelay = new EventLoopDelay();
    eventLoopDelay.onApplicationBootstrap();
  });

  afterEach(() => eventLoopDelay.onApplicationShutdown());

  it('is a maximum after one block, and no percentile of readiness', async () => {
    block(400);
    await delay(400);
    const { p90, max } = eventLoopDelay.recent;
    expect(max).toBeGreaterThan(250);
    expect(max).toBeLessThan(2000);
    expect(p90).toBeLessThan(100);
  });

  it('is that of nine turns in ten while each turn is late', async () => {
    for (let turn = 0; turn < 20; turn++) {
      block(120);
      await delay(1);
    }
    const { p90, p99, max } = eventLoopDelay.recent;
    expect(p90).toBeGreaterThan(80);
    expect(p99).toBeGreaterThanOrEqual(p90);
    expect(max).toBeGreaterThanOrEqual(p99);
  });

  it('wakes an idle process fewer than thirty times a second', async () => {
    const turns = (): number => performance.nodeTiming.uvMetricsInfo.loopCount;
    const before = turns();
    await delay(1000);
    expect(turns() - before).toBeLessThan(30);
  });
});

function block(forMs: number): void {
  for (const end = performance.now() + forMs; performance.now() < end;);
}
