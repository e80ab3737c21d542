import { readFileSync } from 'node:fs';

/** Nanoseconds that this thread ran and waited for a core; Linux only. */
const SCHEDULE = '/proc/thread-self/schedstat';
const isAvailable = process.platform === 'linux';

/**
 * Returns milliseconds without the time that this thread waited for a core, so that tests measure the server and not the
 * load of the machine.
 */
export function threadTimeMs(): number {
  const waitedNs = isAvailable ? Number(readFileSync(SCHEDULE, 'utf8').split(' ')[1]) : 0;
  return performance.now() - waitedNs / 1e6;
}
