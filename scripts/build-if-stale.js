import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUILT = `${ROOT}dist/client.min.js`; // written last by the build

/** Builds the server if there is no build or a source is newer. Ends the process where the build fails. */
export function buildIfStale() {
  if (existsSync(BUILT) && newest('src', 'packages/client/src') <= statSync(BUILT).mtimeMs) return;
  runOrExit('npm', ['run', '--silent', 'build']);
}

/**
 * Runs a command in the root folder, with its output on standard error. Ends the process where the command fails.
 *
 * @param {string} command @param {string[]} args
 */
export function runOrExit(command, args) {
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

/** @param {string[]} folders @returns {number} the latest modification time of their files, milliseconds */
function newest(...folders) {
  const files = folders
    .flatMap((folder) => readdirSync(`${ROOT}${folder}`, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile());
  return Math.max(...files.map((entry) => statSync(`${entry.parentPath}/${entry.name}`).mtimeMs));
}
