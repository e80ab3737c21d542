import { cpSync, existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildIfStale, runOrExit } from './build-if-stale.js';

/** Builds the server and the examples, then starts one example in this process: `npm run example -- group-chat`. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EXIT_USAGE = 64;

const name = process.argv[2];
const names = readdirSync(`${ROOT}examples`).filter((each) => existsSync(`${ROOT}examples/${each}/main.ts`));
if (name === undefined || !names.includes(name)) {
  const problem = name === undefined ? 'the name of an example is missing' : `there is no example "${name}"`;
  process.stderr.write(`example: ${problem}; run npm run example -- ${names.join(' | ')}\n`);
  process.exit(EXIT_USAGE);
}
buildIfStale();
runOrExit(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'examples/tsconfig.build.json']);
// Copy the pages, which the compiler ignores. One folder, because `examples/dist` is inside of `examples`.
cpSync(`${ROOT}examples/${name}`, `${ROOT}examples/dist/${name}`, {
  recursive: true,
  filter: (path) => !/\.(ts|md)$/.test(path),
});
try {
  await import(`../examples/dist/${name}/main.js`);
} catch (error) {
  // A wrong setting and a port in use need no stack.
  process.stderr.write(`example: ${error.message}\n`);
  process.exit(1);
}
