import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The program. */
export const BIN = fileURLToPath(new URL('../../packages/client/bin/switchboard-types.js', import.meta.url));

export interface Ended {
  readonly exitCode: number;
  readonly out: string;
  readonly error: string;
}

/** Runs `switchboard-types` to its end. */
export function switchboardTypes(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...args], { maxBuffer: 1e8 }, (failure, out, error) => {
      resolve({ exitCode: failure === null ? 0 : Number(failure.code), out, error });
    });
  });
}
