import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { createHistogram } from 'node:perf_hooks';

/** Time that one sample stands for, and the time to the next timer after a late one. */
const SAMPLE_MS = 20;
/** Samples of one timer after a window on time. Fewer timers, because each timer wakes an idle process. */
const ON_TIME_SAMPLES = 5;
/** Delay of a timer above which the event loop is late. Node.js rounds timers to milliseconds. */
const LATE_MS = 5;
const WINDOW_MS = 5000;
/** Samples of a window below which its 90th percentile counts as 0, because one stall would decide it. */
const MIN_SAMPLES = 10;
const MICROSECONDS_PER_MS = 1000;

export interface DelayMs {
  /** The 90th percentile, which decides about readiness; a single stall does not raise it. */
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

const NO_DELAY: DelayMs = { p90: 0, p99: 0, max: 0 };

/** The time and the timers of an event loop. */
export interface LoopClock {
  nowMs(): number;
  /** Calls back once, and returns a function that cancels this. */
  after(waitMs: number, callback: () => void): () => void;
}

const NODE_CLOCK: LoopClock = {
  nowMs: () => performance.now(),
  after(waitMs, callback) {
    const timer = setTimeout(callback, waitMs).unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Measures the delay of the event loop over the last five to ten seconds, by how late a timer runs. The timer runs fifty
 * times a second until it was on time for five seconds, so that repeated blocks are not outnumbered by the samples of rare
 * timers. Then it runs ten times a second and counts as five samples.
 */
export class EventLoopDelay implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #microseconds = createHistogram();
  #previousWindow = NO_DELAY;
  #windowStartMs = 0;
  /** When the timer is due, and for how many samples it stands. */
  #dueMs = 0;
  #samples = 0;
  /** When the timer was last late. */
  #lateAtMs = -Infinity;
  #cancel: (() => void) | undefined;

  constructor(private readonly clock = NODE_CLOCK) {}

  onApplicationBootstrap(): void {
    this.#windowStartMs = this.clock.nowMs();
    this.#schedule(this.#windowStartMs);
  }

  onApplicationShutdown(): void {
    this.#cancel?.();
  }

  /** The greater of the delays of the current and the previous window. */
  get recent(): DelayMs {
    const current = this.#currentWindow();
    const { p90, p99, max } = this.#previousWindow;
    return { p90: Math.max(current.p90, p90), p99: Math.max(current.p99, p99), max: Math.max(current.max, max) };
  }

  #schedule(nowMs: number): void {
    this.#samples = nowMs - this.#lateAtMs < WINDOW_MS ? 1 : ON_TIME_SAMPLES;
    const waitMs = this.#samples * SAMPLE_MS;
    this.#dueMs = nowMs + waitMs;
    this.#cancel = this.clock.after(waitMs, () => this.#take());
  }

  /** Takes the samples of one timer: all of them on time but the last. */
  #take(): void {
    const nowMs = this.clock.nowMs();
    const lateMs = nowMs - this.#dueMs;
    const isLate = lateMs > LATE_MS;
    if (isLate) this.#lateAtMs = nowMs;
    for (let sample = 1; sample < this.#samples; sample++) this.#record(0);
    this.#record(isLate ? lateMs : 0);
    if (nowMs - this.#windowStartMs >= WINDOW_MS) this.#startWindow(nowMs);
    this.#schedule(nowMs);
  }

  /** A histogram of Node.js holds no 0, so that each sample is one microsecond longer. */
  #record(lateMs: number): void {
    this.#microseconds.record(Math.round(lateMs * MICROSECONDS_PER_MS) + 1);
  }

  #startWindow(nowMs: number): void {
    this.#previousWindow = this.#currentWindow();
    this.#microseconds.reset();
    this.#windowStartMs = nowMs;
  }

  #currentWindow(): DelayMs {
    const { count, max } = this.#microseconds;
    if (count === 0) return NO_DELAY;
    const percentileMs = (percent: number): number => delayMs(this.#microseconds.percentile(percent));
    return { p90: count < MIN_SAMPLES ? 0 : percentileMs(90), p99: percentileMs(99), max: delayMs(max) };
  }
}

function delayMs(microseconds: number): number {
  return (microseconds - 1) / MICROSECONDS_PER_MS;
}
