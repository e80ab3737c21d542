import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export const projectDir = at('../../');
export const benchDir = at('../');
/** Build output and caches; not in git. */
export const cacheDir = at('../.cache/');
export const generator = at('../.cache/wsload');
export const node24 = at('../node_modules/.bin/node');
export const resultsFile = at('../RESULTS.md');
export const chartFile = at('../../docs/bench.svg');
