import { defineConfig } from 'vitest/config';

/** Apart from the rest: it needs a Docker engine, and the first run builds an image. */
export default defineConfig({
  test: {
    include: ['test/compose/**/*.spec.ts'],
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
});
