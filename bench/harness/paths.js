import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export const projectDir = at('../../');
export const benchDir = at('../');
/** Build output and caches; not in git. */
export const cacheDir = at('../.cache/');
export const generator = at('../.cache/wsload');
export const node24 = nodeOf(24, '../node_modules/node/bin/node');
export const node20 = nodeOf(20, '../node_modules/node-20/bin/node');
/** The results of the latest run, finished or not. */
export const samplesFile = at('../.cache/results.json');
export const resultsFile = at('../RESULTS.md');
export const chartFile = at('../../docs/bench.svg');

/** Returns the running Node where it has this major version, and else the one among the peers. */
function nodeOf(major, path) {
  return process.versions.node.startsWith(`${major}.`) ? process.execPath : at(path);
}
