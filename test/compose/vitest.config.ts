import { defineConfig } from 'vitest/config';

/** A run of its own, because it needs a Docker engine and its first run builds an image. */
export default defineConfig({
  test: {
    include: ['test/compose/**/*.spec.ts'],
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
});
