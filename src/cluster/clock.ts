import { Injectable } from '@nestjs/common';
import { Log } from '../telemetry/log.js';

/** Cancels a timer; does nothing once the timer has run. */
export type CancelTimer = () => void;

/**
 * The monotonic clock, the timers and the jitter of this process. All code of `cluster/` takes them from this class,
 * because the simulation of the cluster replaces it with virtual time. A fault in a timer is logged, because it would
 * otherwise end the process.
 */
@Injectable()
export class Clock {
  constructor(private readonly log: Log) {}

  /** Returns the moment in milliseconds, from an origin that differs between processes. */
  now(): number {
    return performance.now();
  }

  /** Runs a function once, after a delay. */
  after(delayMs: number, run: () => void): CancelTimer {
    const timer = setTimeout(() => this.#run(run), delayMs);
    return () => clearTimeout(timer);
  }

  /** Runs a function at a fixed interval. */
  every(intervalMs: number, run: () => void): CancelTimer {
    const timer = setInterval(() => this.#run(run), intervalMs);
    return () => clearInterval(timer);
  }

  /** Runs a function at the end of the turn. */
  atEndOfTurn(run: () => void): void {
    setImmediate(() => this.#run(run));
  }

  /** Returns a random delay, from half of this one to all of it. */
  jitter(delayMs: number): number {
    return delayMs * (0.5 + Math.random() / 2);
  }

  #run(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.log.error(error);
    }
  }
}
