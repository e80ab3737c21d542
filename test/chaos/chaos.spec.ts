import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { Random } from '../support/random.js';
import { token } from '../support/tokens.js';
import { ChaosClient, type ChaosUser, type Choices } from './chaos-client.js';
import { ChaosCluster, FAULTS } from './chaos-cluster.js';
import { Ledger } from './ledger.js';
import { PlainLine, ResumableLine } from './lines.js';
import { writeChaosReport } from './report.js';
import { allConnected, settle } from './settle.js';
import { MESSAGES_PER_STEP, Traffic } from './traffic.js';

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 600);
const SEED = Number(process.env['SEED'] ?? 1);
const SESSIONS = 600;
const USERS = 200;
const ROOMS = 60;
/** Time before the first fault, because only sessions of some age must receive every departure notice. */
const WARM_UP_MS = 2000;
/** Connections are cut so often, of clients whose sessions are resumable; half of the clients. */
const BETWEEN_CUTS_MS = 50;
const BETWEEN_FAULTS_MS = [500, 4000] as const;

describe(`three nodes and ${SESSIONS} sessions under random faults (seed ${SEED})`, () => {
  const random = new Random(SEED);
  const ledger = new Ledger();
  const faultCounts = new Map<string, number>();
  let cluster: ChaosCluster;
  let clients: ChaosClient[];
  let traffic: Traffic;
  let cutting: NodeJS.Timeout;

  beforeAll(async () => {
    cluster = await ChaosCluster.start(random);
    const clientRandom = new Random(SEED + 1);
    const users = await Promise.all(Array.from({ length: USERS }, (_, index) => userOf(`user${index}`)));
    const rooms = Array.from({ length: ROOMS }, (_, index) => `room${index}`);
    const choices: Choices = { urls: cluster.urls, users, rooms };
    const lineOf = (index: number) => (index % 2 === 0 ? ResumableLine : PlainLine);
    clients = Array.from(
      { length: SESSIONS },
      (_, index) => new ChaosClient(ledger, users[index % USERS]!, choices, clientRandom, lineOf(index)),
    );
    await allConnected(clients);
    traffic = new Traffic(clients, users, new Random(SEED + 2));
    const cutRandom = new Random(SEED + 3);
    const resumable = clients.filter((_, index) => lineOf(index) === ResumableLine);
    cutting = setInterval(() => cutRandom.pick(resumable).cut(), BETWEEN_CUTS_MS);
  });
  afterAll(async () => {
    clearInterval(cutting);
    traffic?.stop();
    for (const client of clients ?? []) client.stop();
    await cluster?.stop();
  });

  async function userOf(name: string): Promise<ChaosUser> {
    return { name, token: await token({ sub: name, expires: '1d' }) };
  }

  it('keep every promise of the protocol', { timeout: SECONDS * 1000 + 180_000 }, async () => {
    await delay(WARM_UP_MS);
    const untilMs = performance.now() + SECONDS * 1000;
    const faults = Object.entries(FAULTS);
    const log: string[] = [];
    for (let turn = 0; performance.now() < untilMs; turn++) {
      // Every fault runs once before any runs again.
      if (turn % faults.length === 0) random.shuffle(faults);
      const [name, inject] = faults[turn % faults.length]!;
      faultCounts.set(name, (faultCounts.get(name) ?? 0) + 1);
      const fromMs = Math.round(performance.now());
      await inject(cluster);
      log.push(`${name}, from ${fromMs} to ${Math.round(performance.now())} ms`);
      await delay(random.between(...BETWEEN_FAULTS_MS));
    }
    clearInterval(cutting);
    const recoveryMs = await settle(ledger, clients, cluster.urls(), () => traffic.stop());
    const counts = { ...ledger.close(cluster.outages), piped: await pipedReturns(cluster.urls()) };
    await writeChaosReport({
      seed: SEED,
      seconds: SECONDS,
      faultCounts,
      answers: ledger.answers,
      recoveryMs,
      ...counts,
    });
    const { answers, reasons } = ledger;
    console.log(
      JSON.stringify({ ...Object.fromEntries([...faultCounts, ...answers, ...reasons]), ...counts, recoveryMs }),
    );
    if (ledger.violations.length > 0) console.log(log.join('\n'));
    expect(ledger.violations).toEqual([]);
    expect(counts.routed).toBeGreaterThan(SECONDS * MESSAGES_PER_STEP);
    const { departures, roomMessages, roomNotices, presences, piped } = counts;
    for (const count of [departures, roomMessages, roomNotices, presences, piped]) expect(count).toBeGreaterThan(0);
  });
});

/** Counts the returns that nodes have piped to other nodes since their start. */
async function pipedReturns(urls: readonly string[]): Promise<number> {
  const pages = await Promise.all(urls.map((url) => ask(new URL('/metrics', url.replace(/^ws/, 'http')).href)));
  const counts = pages.map(({ body }) => /^switchboard_remote_returns_total\{outcome="piped"\} (\d+)/m.exec(body)?.[1]);
  return counts.reduce((sum, count) => sum + Number(count ?? 0), 0);
}
