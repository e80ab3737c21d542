import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Interval between two samples; Node.js includes the interval in each measured delay. */
const RESOLUTION_MS = 20;
const WINDOW_MS = 5000;
/** Samples of a window below which its 90th percentile counts as 0, because one stall would decide it. */
const MIN_SAMPLES = 10;
const NANOSECONDS_PER_MS = 1e6;

export interface DelayMs {
  /** The 90th percentile, which decides about readiness; a single stall does not raise it. */
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

const NO_DELAY: DelayMs = { p90: 0, p99: 0, max: 0 };

/** Measures the delay of the event loop over the last five to ten seconds. */
@Injectable()
export class EventLoopDelay implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #previousWindow = NO_DELAY;
  #timer: NodeJS.Timeout | undefined;

  onApplicationBootstrap(): void {
    this.#histogram.enable();
    this.#timer = setInterval(() => this.#startWindow(), WINDOW_MS).unref();
  }

  onApplicationShutdown(): void {
    this.#histogram.disable();
    clearInterval(this.#timer);
  }

  /** The greater of the delays of the current and the previous window. */
  get recent(): DelayMs {
    const current = this.#currentWindow();
    const { p90, p99, max } = this.#previousWindow;
    return { p90: Math.max(current.p90, p90), p99: Math.max(current.p99, p99), max: Math.max(current.max, max) };
  }

  #startWindow(): void {
    this.#previousWindow = this.#currentWindow();
    this.#histogram.reset();
  }

  #currentWindow(): DelayMs {
    const { count, max } = this.#histogram;
    if (count === 0) return NO_DELAY;
    const percentileMs = (percent: number): number => delayMs(this.#histogram.percentile(percent));
    return { p90: count < MIN_SAMPLES ? 0 : percentileMs(90), p99: percentileMs(99), max: delayMs(max) };
  }
}

function delayMs(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
}
