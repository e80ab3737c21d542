import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Installs the components of the test suite, then runs it; arguments after `npm test --` go to vitest. */
const root = fileURLToPath(new URL('..', import.meta.url));

run(process.execPath, ['scripts/components.js']);
run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)]);

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
