import { defineConfig } from 'vitest/config';

/** A run of its own, because it takes ten minutes (or CHAOS_SECONDS) and all processors. */
export default defineConfig({
  test: {
    include: ['test/chaos/**/*.spec.ts'],
    globalSetup: ['scripts/build-if-stale.js'],
    hookTimeout: 120_000,
  },
});
