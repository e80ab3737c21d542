import { readFileSync } from 'node:fs';

/** How long this thread ran, and how long it waited for a core, both in nanoseconds; only Linux tells. */
const SCHEDULE = '/proc/thread-self/schedstat';
const told = process.platform === 'linux';

/**
 * A clock in milliseconds that stands still while this thread would run but the machine is busy with something else: what
 * it measures is our own slowness.
 */
export function threadTimeMs(): number {
  const waitedNs = told ? Number(readFileSync(SCHEDULE, 'utf8').split(' ')[1]) : 0;
  return performance.now() - waitedNs / 1e6;
}
