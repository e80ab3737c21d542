import { build } from 'vite';
import { fileURLToPath } from 'node:url';

/** Bundles `src/client` into one module, for the server to serve at `/client.js` and for `switchboard/client`. */
await build({
  root: fileURLToPath(new URL('..', import.meta.url)),
  configFile: false,
  logLevel: 'warn',
  build: {
    lib: { entry: 'src/client/connect.ts', formats: ['es'], fileName: () => 'client.min.js' },
    target: 'es2022',
    minify: 'oxc',
    emptyOutDir: false,
    copyPublicDir: false,
  },
});
