import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Entries of the server and of the client, which `npm pack -w switchboard-client` writes alone. */
const BUILT = ['dist/main.js', 'dist/client.min.js'].map((name) => `${ROOT}${name}`);

/**
 * Builds the server if there is no complete build or a source is newer. Ends the process where the build fails. Vitest
 * calls it by the name `setup` before all tests, because some tests start the server as a process.
 */
export function buildIfStale() {
  if (BUILT.every((file) => existsSync(file)) && newest('src', 'packages/client/src') <= oldest(BUILT)) return;
  process.stderr.write('building the server and the client; this takes about 10 s\n');
  runOrExit('npm', ['run', '--silent', 'build']);
}
export { buildIfStale as setup };

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

/** @param {string[]} files @returns {number} the earliest modification time, milliseconds */
function oldest(files) {
  return Math.min(...files.map((file) => statSync(file).mtimeMs));
}
