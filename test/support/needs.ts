import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../../scripts/components.js', import.meta.url));

/**
 * Declares the components that a module of the tests needs beyond Node and npm, by their names in scripts/components.js.
 * `npm test` leaves out each spec file that imports such a module. `npm run test:all` runs them.
 *
 * @throws with one line for each missing component
 */
export function needs(...components: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, ...components], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr.trim());
}
