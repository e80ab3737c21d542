import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/**
 * Builds the package `switchboard-client` into `packages/client/dist`, and bundles it into `dist/client.min.js`, which the
 * server serves at `/client.js`. `dist/client` is a copy for the exports of the server's package.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const compiled = `${root}packages/client/dist`;

rmSync(compiled, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'packages/client'], {
  cwd: root,
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);
rmSync(`${root}dist/client`, { recursive: true, force: true });
cpSync(compiled, `${root}dist/client`, { recursive: true });
await build({
  root,
  configFile: false,
  logLevel: 'warn',
  build: {
    // The library mode of Vite would keep the white space.
    rolldownOptions: {
      input: 'packages/client/dist/connect.js',
      preserveEntrySignatures: 'strict',
      optimization: { inlineConst: true },
      output: { format: 'es', entryFileNames: 'client.min.js' },
    },
    modulePreload: false,
    target: 'es2022',
    minify: 'oxc',
    emptyOutDir: false,
    copyPublicDir: false,
  },
});
