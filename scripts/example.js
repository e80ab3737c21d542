import { spawnSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Builds the server and the examples, then starts one example in this process: `npm run example -- group-chat`. */
const root = fileURLToPath(new URL('..', import.meta.url));
const name = process.argv[2] ?? '';

if (!/^[a-z-]+$/.test(name) || !existsSync(`${root}examples/${name}/main.ts`)) {
  process.stderr.write('usage: npm run example -- call | dashboard | group-chat\n');
  process.exit(2);
}
run('npm', ['run', '--silent', 'build']);
run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'examples/tsconfig.build.json']);
// Copy the pages, which the compiler ignores.
cpSync(`${root}examples`, `${root}examples/dist`, {
  recursive: true,
  filter: (path) => !path.includes('/dist') && !/\.(ts|md)$/.test(path),
});
await import(`../examples/dist/${name}/main.js`);

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}
