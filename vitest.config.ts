import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const COMPUTED = ['property', 'simulation', 'unit'].map((folder) => `test/${folder}/**/*.spec.ts`);
const MEASURED = ['test/attack/**/*.spec.ts'];

export default defineConfig({
  // The examples import the package by its name, as applications do.
  resolve: { alias: { switchboard: fileURLToPath(new URL('src/index.ts', import.meta.url)) } },
  test: {
    globalSetup: ['test/support/build.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: ['default'],
    projects: [
      {
        // These tests have no wall-clock limits, so they may use every core.
        extends: true,
        test: { name: 'computed', include: COMPUTED, maxWorkers: '100%', sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'one node',
          include: ['test/**/*.spec.ts', 'examples/**/*.spec.ts'],
          exclude: [
            ...COMPUTED,
            ...MEASURED,
            'test/compose/**',
            'test/chaos/**',
            'test/package/**',
            'examples/dist/**',
            '**/node_modules/**',
          ],
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Contract tests on three nodes with a real NATS server. Clients must see no difference to one node.
        extends: true,
        test: {
          name: 'many nodes',
          include: ['routing', 'departures', 'payload', 'envelope', 'system-messages'].map(
            (name) => `test/contract/${name}.spec.ts`,
          ),
          env: { TEST_NODES: '3' },
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Attacks compare times and memory, so they run one after the other, behind all other tests.
        extends: true,
        test: { name: 'attacks', include: MEASURED, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
      {
        // Installs the packed file in fresh applications, which takes minutes and needs a package registry.
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/**/*.spec.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
