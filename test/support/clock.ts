/** The loader puts the folder of this machine's libraries in place of `$LIB`. */
const LIBRARY = '/usr/$LIB/faketime/libfaketime.so.1';

/** What the shell says before a program whose clock on the wall is set otherwise, such as `FAKETIME=+2h`; timers stay true. */
export function wrongClock(setting: string): string {
  return `export LD_PRELOAD='${LIBRARY}' FAKETIME_DONT_FAKE_MONOTONIC=1 ${setting};`;
}
