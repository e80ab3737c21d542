import { setTimeout as delay } from 'node:timers/promises';
import { threadTimeMs } from '../support/thread-clock.js';
import { WIDE_TEXT } from './attacks/wide-bodies.js';

/** Median milliseconds of {@link runMs} on the machine for which the bounds of latency were chosen. */
const REFERENCE_MS = 3;
const RUNS = 41;
/** Between two runs, because the machine is idle between two messages, too. */
const PAUSE_MS = 5;

/** On a machine that is slower still, the bounds grow no more. */
const MAX_PACE = 2;

/**
 * Returns how many times slower than the reference this machine is, from 1 to {@link MAX_PACE}, by the time that `JSON.parse`
 * of the widest body takes without the wait for a core. The code of the server has no part in it.
 */
export async function machinePace(): Promise<number> {
  const times: number[] = [];
  while (times.length < RUNS) {
    times.push(runMs());
    await delay(PAUSE_MS);
  }
  times.sort((one, other) => one - other);
  return Math.min(MAX_PACE, Math.max(1, times[RUNS >> 1]! / REFERENCE_MS));
}

function runMs(): number {
  const beganMs = threadTimeMs();
  JSON.parse(WIDE_TEXT);
  return threadTimeMs() - beganMs;
}
