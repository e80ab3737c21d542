import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { GUARDS } from './guards.js';
import { runSchedule } from './schedule.js';

/** `SIMULATION_SEED=7 npm run simulate` runs one schedule and prints its events. */
const SEED = process.env['SIMULATION_SEED'];
/** `SIMULATION_COUNT=10000 npm run simulate` runs more schedules. */
const COUNT = Number(process.env['SIMULATION_COUNT'] ?? 1500);
/** `SIMULATION_WITHOUT=own-messages npm run simulate` runs without this guard. */
const WITHOUT = process.env['SIMULATION_WITHOUT'];
const SCHEDULES_PER_TEST = 100;
/** Schedules within which the loss of a guard is found. */
const MAX_SEARCHED = 400;
const TIMEOUT_MS = 120_000;

let putBack: () => void = () => undefined;
afterEach(() => putBack());

/** Runs schedules until one breaks a promise. Returns its seed and what it broke; `undefined` where none does. */
async function firstBreach(fromSeed: number, toSeed: number): Promise<string[] | undefined> {
  for (let seed = fromSeed; seed <= toSeed; seed++) {
    const { breaches, faults } = await runSchedule(seed);
    if (breaches.length > 0) return [`SIMULATION_SEED=${seed} npm run simulate`, ...faults, ...breaches];
    await turn(); // The test runner communicates meanwhile.
  }
  return undefined;
}

function without(guard: string): void {
  putBack = GUARDS[guard]!();
}

describe('a simulated cluster', { timeout: TIMEOUT_MS }, () => {
  const firstSeeds = Array.from(
    { length: SEED === undefined ? Math.ceil(COUNT / SCHEDULES_PER_TEST) : 0 },
    (_, part) => 1 + part * SCHEDULES_PER_TEST,
  );
  const replayedSeeds = SEED === undefined ? [] : [Number(SEED)];

  it.each(firstSeeds)('keeps every promise in the schedules from %d on', async (seed) => {
    if (WITHOUT !== undefined) without(WITHOUT);
    expect(await firstBreach(seed, Math.min(seed + SCHEDULES_PER_TEST - 1, COUNT))).toBeUndefined();
  });

  it.each(replayedSeeds)('keeps every promise in the schedule %d', async (seed) => {
    if (WITHOUT !== undefined) without(WITHOUT);
    const { breaches } = await runSchedule(seed, (text) => void process.stdout.write(`${text}\n`));
    expect(breaches).toEqual([]);
  });

  it('runs a schedule again in the same way', async () => {
    const runs = await Promise.all(
      [1, 2].map(async () => {
        const lines: string[] = [];
        const { events } = await runSchedule(11, (text) => lines.push(text));
        return { events, lines };
      }),
    );
    expect(runs[0]!.lines.length).toBeGreaterThan(500);
    expect(runs[0]).toEqual(runs[1]);
  });

  it.each(Object.keys(GUARDS))('breaks a promise without the guard %s', async (guard) => {
    without(guard);
    expect(await firstBreach(1, MAX_SEARCHED)).toBeDefined();
  });
});
