import { needs } from './needs.js';

needs('faketime');

/** The loader replaces `$LIB` by the library folder of this machine. */
const LIBRARY = '/usr/$LIB/faketime/libfaketime.so.1';

/** Returns a shell prefix that changes the wall clock of a program, such as `FAKETIME=+2h`; timers are not changed. */
export function wrongClock(setting: string): string {
  return `export LD_PRELOAD='${LIBRARY}' FAKETIME_DONT_FAKE_MONOTONIC=1 ${setting};`;
}
