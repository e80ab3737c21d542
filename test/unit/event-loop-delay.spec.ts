import { beforeEach, describe, expect, it } from 'vitest';
import { EventLoopDelay, type LoopClock } from '../../src/telemetry/event-loop-delay.js';

/** An event loop whose code takes no time, except the blocks of {@link run}. */
class BlockedLoop implements LoopClock {
  /** Timers that have run. */
  timers = 0;
  #nowMs = 0;
  #due: { readonly atMs: number; readonly callback: () => void } | undefined;

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    this.#due = { atMs: this.#nowMs + delayMs, callback };
    return () => (this.#due = undefined);
  }

  /** Lets time pass, while code blocks the loop for the first milliseconds of each period. */
  run(forMs: number, blockMs = 0, periodMs = forMs): void {
    const startMs = this.#nowMs;
    while (this.#due !== undefined && this.#due.atMs < startMs + forMs) {
      const { atMs, callback } = this.#due;
      this.#nowMs = atMs + Math.max(0, blockMs - ((atMs - startMs) % periodMs));
      this.timers++;
      callback();
    }
    this.#nowMs = Math.max(this.#nowMs, startMs + forMs);
  }
}

describe('the delay of the event loop', () => {
  let loop: BlockedLoop;
  let eventLoopDelay: EventLoopDelay;

  beforeEach(() => {
    loop = new BlockedLoop();
    eventLoopDelay = new EventLoopDelay(loop);
    eventLoopDelay.onApplicationBootstrap();
  });

  it('is a maximum after one block, and no percentile of readiness', () => {
    loop.run(1000);
    loop.run(1000, 400);
    const { p90, max } = eventLoopDelay.recent;
    expect(max).toBeGreaterThanOrEqual(300);
    expect(max).toBeLessThan(401);
    expect(p90).toBe(0);
  });

  it.each([
    [150, 300],
    [600, 750],
    [120, 121],
  ])('is the greater part of blocks of %d ms every %d ms', (blockMs, periodMs) => {
    for (const onTimeMs of [30, 3050, 60_080]) {
      loop.run(onTimeMs);
      loop.run(20_000, blockMs, periodMs);
      for (let moment = 0; moment < 20; moment++) {
        const { p90, p99, max } = eventLoopDelay.recent;
        expect(p90).toBeGreaterThan(blockMs - 25);
        expect(p99).toBeGreaterThanOrEqual(p90);
        expect(max).toBeGreaterThanOrEqual(p99);
        expect(max).toBeLessThan(blockMs + 1);
        loop.run(periodMs, blockMs);
      }
    }
  });

  it('is forgotten after ten seconds', () => {
    loop.run(10_000, 600, 750);
    loop.run(10_100);
    expect(eventLoopDelay.recent).toEqual({ p90: 0, p99: 0, max: 0 });
  });

  it('wakes a process ten times a second after five seconds on time', () => {
    loop.run(1000, 400);
    loop.run(5000);
    const before = loop.timers;
    loop.run(10_000);
    expect(loop.timers - before).toBeLessThanOrEqual(100);
  });

  it('is measured no more after the end', () => {
    eventLoopDelay.onApplicationShutdown();
    loop.run(1000);
    expect(loop.timers).toBe(0);
  });
});
