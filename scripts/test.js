import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseCLI } from 'vitest/node';
import { componentsOfSpecs, isIn, LONG } from './spec-files.js';

/**
 * Runs the tests that need Node and npm alone, and lists what it left out. Arguments after `npm test --` go to vitest:
 * with the name of a file it runs that file, whatever the file needs.
 */
const args = process.argv.slice(2);
const { filter, options } = parseCLI(['vitest', 'run', ...args]);
const isWhole = filter.length === 0 && options.project === undefined;

const { status, error } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...projects(), ...args],
  { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: 'inherit' },
);
if (error) throw error;
if (isWhole) console.log(leftOut());
process.exitCode = status ?? 1;

/** @returns {string[]} which projects of `vitest.config.ts` to run */
function projects() {
  if (isWhole) return ['--project', '!all:*'];
  return options.project === undefined ? ['--project', '!all: many nodes'] : [];
}

/** @returns {string} */
function leftOut() {
  const specs = [...componentsOfSpecs()];
  const long = specs.filter(([path]) => isIn(path, LONG));
  const needing = specs.filter(([path, components]) => components.length > 0 && !isIn(path, LONG));
  const names = [...new Set(needing.flatMap(([, components]) => components))].toSorted();
  return [
    `left out: ${needing.length} spec files that need ${names.join(', ')}`,
    `left out: ${long.length} spec files in test/${LONG.join(', test/')} that take minutes; the runs on three nodes`,
    'run them with: npm run test:all (as root on Debian it installs what is missing)',
  ].join('\n');
}
