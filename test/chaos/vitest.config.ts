import { defineConfig } from 'vitest/config';

/** A run of its own, because it takes twelve minutes (or twice CHAOS_SECONDS) and all processors. One file after the other. */
export default defineConfig({
  test: {
    include: ['test/chaos/**/*.spec.ts'],
    globalSetup: ['scripts/build-if-stale.js'],
    fileParallelism: false,
    hookTimeout: 120_000,
  },
});
