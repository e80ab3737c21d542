import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the delay is sampled: what is measured is the time between two samples, this much included. */
const RESOLUTION_MS = 20;
const WINDOW_MS = 5000;
/** Fewer samples say nothing about a share of them, unless the samples are few because each took so long. */
const MIN_SAMPLES = 10;
const NANOSECONDS_PER_MS = 1e6;

export interface DelayMs {
  /** What nine of ten samples stayed under: a single stall is no reason to send nobody here. */
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** How late the event loop comes to what is due: of the last five to ten seconds. */
@Injectable()
export class EventLoopDelay implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #before: DelayMs = { p90: 0, p99: 0, max: 0 };
  #timer: NodeJS.Timeout | undefined;

  onApplicationBootstrap(): void {
    this.#histogram.enable();
    this.#timer = setInterval(() => this.#turn(), WINDOW_MS).unref();
  }

  onApplicationShutdown(): void {
    this.#histogram.disable();
    clearInterval(this.#timer);
  }

  /** The worse of this window and the one before. */
  get recent(): DelayMs {
    const now = this.#now();
    const { p90, p99, max } = this.#before;
    return { p90: Math.max(now.p90, p90), p99: Math.max(now.p99, p99), max: Math.max(now.max, max) };
  }

  #turn(): void {
    this.#before = this.#now();
    this.#histogram.reset();
  }

  #now(): DelayMs {
    const { count, max } = this.#histogram;
    if (count === 0) return { p90: 0, p99: 0, max: 0 };
    const at = (percent: number): number => lateMs(this.#histogram.percentile(percent));
    return { p90: count < MIN_SAMPLES ? 0 : at(90), p99: at(99), max: lateMs(max) };
  }
}

function lateMs(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
}
