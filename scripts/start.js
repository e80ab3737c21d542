import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Builds if there is no build or a source is newer, then starts the server in this process. */
const root = fileURLToPath(new URL('..', import.meta.url));
const built = `${root}dist/client.min.js`; // written last by the build

if (!existsSync(built) || newest('src', 'packages/client/src') > statSync(built).mtimeMs) {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}
await import('../dist/main.js');

/** @param {string[]} folders @returns {number} the latest modification time of their files, milliseconds */
function newest(...folders) {
  const files = folders
    .flatMap((folder) => readdirSync(`${root}${folder}`, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile());
  return Math.max(...files.map((entry) => statSync(`${entry.parentPath}/${entry.name}`).mtimeMs));
}
