import { defineConfig } from 'vitest/config';

/** Apart from the rest: it takes ten minutes, or CHAOS_SECONDS, and as much of the machine as it can get. */
export default defineConfig({
  test: {
    include: ['test/chaos/**/*.spec.ts'],
    globalSetup: ['test/support/build.ts'],
    hookTimeout: 120_000,
  },
});
