import { setTimeout as delay } from 'node:timers/promises';
import { WIDE_TEXT } from './attacks/wide-bodies.js';

/** Median milliseconds of {@link runMs} on the machine for which the bounds of latency were chosen. */
const REFERENCE_MS = 3;
const RUNS = 41;
/** Between two runs, because the machine is idle between two messages, too. */
const PAUSE_MS = 5;

/**
 * Returns how many times slower than the reference this machine is, at least 1, by the time that `JSON.parse` of the widest
 * body takes. The code of the server has no part in it, so that a slower server does not widen its own bounds.
 */
export async function machinePace(): Promise<number> {
  const times: number[] = [];
  while (times.length < RUNS) {
    times.push(runMs());
    await delay(PAUSE_MS);
  }
  times.sort((one, other) => one - other);
  return Math.max(1, times[RUNS >> 1]! / REFERENCE_MS);
}

function runMs(): number {
  const beganMs = performance.now();
  JSON.parse(WIDE_TEXT);
  return performance.now() - beganMs;
}
