import { readdirSync, readFileSync } from 'node:fs';

/** Returns the processor seconds of all threads of a process so far, where the load is not that of the generator. */
export function cpuSeconds(pid) {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const [running] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    return Number(running);
  });
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
}
