import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The examples import the package by its name, as an application does.
  resolve: { alias: { switchboard: fileURLToPath(new URL('src/index.ts', import.meta.url)) } },
  test: {
    globalSetup: ['test/support/build.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'one node',
          include: ['test/**/*.spec.ts', 'examples/**/*.spec.ts'],
          exclude: ['test/compose/**', 'test/chaos/**', 'examples/dist/**', '**/node_modules/**'],
        },
      },
      {
        // What a client must not be able to tell: three nodes over a real NATS server, each connection to the next.
        extends: true,
        test: {
          name: 'many nodes',
          include: ['routing', 'departures', 'carriage', 'envelope', 'server-words'].map(
            (name) => `test/contract/${name}.spec.ts`,
          ),
          env: { TEST_NODES: '3' },
        },
      },
    ],
  },
});
