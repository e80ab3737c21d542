import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { Random } from '../support/random.js';
import { Ledger } from './ledger.js';
import { writeChaos } from './report.js';
import { Talker } from './talker.js';
import { FAULTS, Town } from './town.js';

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 600);
const SEED = Number(process.env['SEED'] ?? 1);
const SESSIONS = 600;
/** So many say something in each step. */
const STEP_MS = 50;
const SPEAKERS = 40;
/** Calm at the beginning, so that many sessions are old enough to be owed every departure, and between faults. */
const CALM_MS = 2000;
const BETWEEN_MS = [500, 4000] as const;
const WHOLE_WITHIN_MS = 60_000;

describe(`three nodes and ${SESSIONS} sessions that talk, with faults at random (seed ${SEED})`, () => {
  const random = new Random(SEED);
  const ledger = new Ledger();
  const done = new Map<string, number>();
  let town: Town;
  let talkers: Talker[];
  let talking: NodeJS.Timeout;

  beforeAll(async () => {
    town = await Town.build(random);
    const own = new Random(SEED + 1);
    talkers = Array.from({ length: SESSIONS }, () => new Talker(ledger, town.urls, own));
    await all();
    const words = new Random(SEED + 2);
    talking = setInterval(() => {
      const here = talkers.filter(({ here: is }) => is);
      if (here.length < 2) return;
      for (let count = 0; count < SPEAKERS; count++) words.pick(here).say(words.pick(here).record!.id);
    }, STEP_MS);
  });
  afterAll(async () => {
    clearInterval(talking);
    for (const talker of talkers ?? []) talker.stop();
    await town?.stop();
  });

  /** Waits until everybody is here. */
  async function all(): Promise<void> {
    while (!talkers.every(({ here }) => here)) await delay(STEP_MS);
  }

  /** Who is here, as one node tells it. */
  async function listed(url: string): Promise<string[]> {
    const client = await connect(url);
    const ids: string[] = [];
    for (let after: string | undefined; ;) {
      client.send({ type: 'sys.who', id: 'w', data: { limit: 1000, ...(after !== undefined && { after }) } });
      const { sessions, next } = (await client.answer('w')).data as { sessions: string[]; next?: string };
      ids.push(...sessions);
      if (next === undefined) break;
      after = next;
    }
    await client.close(1000);
    return ids.filter((id) => id !== client.id);
  }

  it('keep every promise', { timeout: SECONDS * 1000 + 180_000 }, async () => {
    await delay(CALM_MS);
    const until = performance.now() + SECONDS * 1000;
    const faults = Object.entries(FAULTS);
    const faultsDone: string[] = [];
    for (let turn = 0; performance.now() < until; turn++) {
      // Each of them comes once in so many turns.
      if (turn % faults.length === 0) random.shuffle(faults);
      const [name, happen] = faults[turn % faults.length]!;
      done.set(name, (done.get(name) ?? 0) + 1);
      const fromMs = Math.round(performance.now());
      await happen(town);
      faultsDone.push(`${name}, from ${fromMs} to ${Math.round(performance.now())} ms`);
      await delay(random.between(...BETWEEN_MS));
    }
    const healed = performance.now();
    await all();
    clearInterval(talking);
    const here = (): string[] => ledger.alive.map(({ id }) => id).toSorted();
    for (const url of town.urls())
      for (let ids: string[] = []; ids.join() !== here().join(); ids = await listed(url).catch(() => [])) {
        if (performance.now() - healed > WHOLE_WITHIN_MS) expect(ids).toEqual(here());
        await delay(STEP_MS);
      }
    const wholeMs = Math.round(performance.now() - healed);
    while (ledger.alive.some(({ open }) => open.size > 0) && performance.now() - healed < WHOLE_WITHIN_MS)
      await delay(STEP_MS);
    await all();
    const counts = ledger.close(town.outages);
    await writeChaos({ seed: SEED, seconds: SECONDS, done, answers: ledger.answers, wholeMs, ...counts });
    console.log(
      JSON.stringify({ ...Object.fromEntries(done), ...Object.fromEntries(ledger.answers), ...counts, wholeMs }),
    );
    if (ledger.breaches.length > 0) console.log(faultsDone.join('\n'));
    expect(ledger.breaches).toEqual([]);
    expect(counts.routed).toBeGreaterThan(SECONDS * SPEAKERS);
    expect(counts.departures).toBeGreaterThan(0);
  });
});
