import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Provides the real components the suite needs, then runs it; what follows `npm test --` goes to the runner. */
const root = fileURLToPath(new URL('..', import.meta.url));

run(process.execPath, ['scripts/components.js']);
run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)]);

/** @param {string} command @param {string[]} parameters */
function run(command, parameters) {
  const { status, error } = spawnSync(command, parameters, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
