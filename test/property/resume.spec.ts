import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestServer } from '../support/server.js';
import { runSeed, startServers } from './resume-run.js';

/** `RESUME_SEED=7 npx vitest run test/property/resume` runs one seed and prints its events. */
const SEED = process.env['RESUME_SEED'];
/** `RESUME_COUNT=1000 npx vitest run test/property/resume` runs more seeds. */
const COUNT = Number(process.env['RESUME_COUNT'] ?? 100);
const SEEDS_IN_A_TEST = 25;

describe('sessions whose connections are cut at random', { timeout: 600_000 }, () => {
  let servers: readonly TestServer[] = [];
  beforeAll(async () => {
    servers = await startServers();
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  const serverOf = (seed: number): TestServer => servers[seed % servers.length]!;
  const firstSeeds = Array.from(
    { length: SEED === undefined ? Math.ceil(COUNT / SEEDS_IN_A_TEST) : 0 },
    (_, part) => 1 + part * SEEDS_IN_A_TEST,
  );

  it.each(firstSeeds)('lose, double and reorder nothing, with the seeds from %d on', async (first) => {
    for (let seed = first; seed < first + SEEDS_IN_A_TEST && seed <= COUNT; seed++) {
      const { violations, received } = await runSeed(serverOf(seed), seed);
      const shown =
        violations.length === 0 ? [] : [`RESUME_SEED=${seed} npx vitest run test/property/resume`, ...violations];
      expect(shown.slice(0, 20)).toEqual([]);
      expect(received).toBeGreaterThan(200);
    }
  });

  it.each(SEED === undefined ? [] : [Number(SEED)])(
    'lose, double and reorder nothing, with the seed %d',
    async (seed) => {
      const { violations } = await runSeed(serverOf(seed), seed, (text) => void process.stdout.write(`${text}\n`));
      expect(violations).toEqual([]);
    },
  );
});
