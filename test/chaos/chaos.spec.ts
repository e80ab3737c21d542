import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { Random } from '../support/random.js';
import { token } from '../support/tokens.js';
import { ChaosClient, type ChaosUser, type Choices } from './chaos-client.js';
import { ChaosCluster, FAULTS } from './chaos-cluster.js';
import { Ledger } from './ledger.js';
import { writeChaosReport } from './report.js';

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 600);
const SEED = Number(process.env['SEED'] ?? 1);
const SESSIONS = 600;
const STEP_MS = 50;
const MESSAGES_PER_STEP = 40;
/** Messages to rooms and to users, and sessions that go from one room to another. */
const GROUP_MESSAGES_PER_STEP = 2;
const MOVES_PER_STEP = 1;
/** Connections that are cut, of clients that return; half of the clients do. */
const CUTS_PER_STEP = 1;
const USERS = 200;
const ROOMS = 60;
/** Time before the first fault, because only sessions of some age must receive every departure notice. */
const WARM_UP_MS = 2000;
const BETWEEN_FAULTS_MS = [500, 4000] as const;
const RECOVERY_LIMIT_MS = 60_000;

/** An entry of `sys.who`; an object where the session is away. */
type Entry = string | { readonly id: string };

describe(`three nodes and ${SESSIONS} sessions under random faults (seed ${SEED})`, () => {
  const random = new Random(SEED);
  const ledger = new Ledger();
  const faultCounts = new Map<string, number>();
  let cluster: ChaosCluster;
  let clients: ChaosClient[];
  let sending: NodeJS.Timeout;
  let cutsPerStep = CUTS_PER_STEP;

  beforeAll(async () => {
    cluster = await ChaosCluster.start(random);
    const clientRandom = new Random(SEED + 1);
    const users = await Promise.all(Array.from({ length: USERS }, (_, index) => userOf(`user${index}`)));
    const rooms = Array.from({ length: ROOMS }, (_, index) => `room${index}`);
    const choices: Choices = { urls: cluster.urls, users, rooms };
    clients = Array.from(
      { length: SESSIONS },
      (_, index) =>
        new ChaosClient(
          ledger,
          users[index % USERS]!,
          choices,
          clientRandom,
          index % 2 === 0 ? 'returns' : 'begins anew',
        ),
    );
    await allConnected();
    const messageRandom = new Random(SEED + 2);
    sending = setInterval(() => {
      const connected = clients.filter(({ isConnected }) => isConnected);
      if (connected.length < 2) return;
      for (let count = 0; count < MESSAGES_PER_STEP; count++)
        messageRandom.pick(connected).sendTo(messageRandom.pick(connected).record!.id);
      for (let count = 0; count < GROUP_MESSAGES_PER_STEP; count++) {
        messageRandom.pick(connected).sendToRoom();
        messageRandom.pick(connected).sendTo(`@${messageRandom.pick(users).name}`);
      }
      for (let count = 0; count < MOVES_PER_STEP; count++) messageRandom.pick(connected).moveRoom();
      for (let count = 0; count < cutsPerStep; count++) messageRandom.pick(connected).cut();
    }, STEP_MS);
  });
  afterAll(async () => {
    clearInterval(sending);
    for (const client of clients ?? []) client.stop();
    await cluster?.stop();
  });

  async function userOf(name: string): Promise<ChaosUser> {
    return { name, token: await token({ sub: name, expires: '1d' }) };
  }

  async function allConnected(): Promise<void> {
    while (!clients.every(({ isConnected }) => isConnected)) await delay(STEP_MS);
  }

  /** Lists the ids of all sessions as one node answers `sys.who`. */
  async function listSessions(url: string): Promise<string[]> {
    const client = await connect(url);
    const ids: string[] = [];
    for (let after: string | undefined; ;) {
      client.send({ type: 'sys.who', id: 'w', data: { limit: 1000, ...(after !== undefined && { after }) } });
      const { sessions, next } = (await client.answer('w')).data as { sessions: Entry[]; next?: string };
      ids.push(...sessions.map((entry) => (typeof entry === 'string' ? entry : entry.id)));
      if (next === undefined) break;
      after = next;
    }
    await client.close(1000);
    return ids.filter((id) => id !== client.id);
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
    const healedMs = performance.now();
    cutsPerStep = 0;
    await allConnected();
    clearInterval(sending);
    const expectedIds = (): string[] => ledger.alive.map(({ id }) => id).toSorted();
    for (const url of cluster.urls())
      for (let ids: string[] = []; ids.join() !== expectedIds().join(); ids = await listSessions(url).catch(() => [])) {
        if (performance.now() - healedMs > RECOVERY_LIMIT_MS) expect(ids).toEqual(expectedIds());
        await delay(STEP_MS);
      }
    const recoveryMs = Math.round(performance.now() - healedMs);
    const isSettled = (): boolean =>
      ledger.alive.every(({ unanswered }) => unanswered.size === 0) && ledger.disagreements().length === 0;
    while (!isSettled() && performance.now() - healedMs < RECOVERY_LIMIT_MS) await delay(STEP_MS);
    await allConnected();
    const counts = ledger.close(cluster.outages);
    await writeChaosReport({
      seed: SEED,
      seconds: SECONDS,
      faultCounts,
      answers: ledger.answers,
      recoveryMs,
      ...counts,
    });
    const { answers } = ledger;
    console.log(
      JSON.stringify({ ...Object.fromEntries(faultCounts), ...Object.fromEntries(answers), ...counts, recoveryMs }),
    );
    if (ledger.violations.length > 0) console.log(log.join('\n'));
    expect(ledger.violations).toEqual([]);
    expect(counts.routed).toBeGreaterThan(SECONDS * MESSAGES_PER_STEP);
    const { departures, roomMessages, roomNotices, presences, returns } = counts;
    for (const count of [departures, roomMessages, roomNotices, presences, returns]) expect(count).toBeGreaterThan(0);
  });
});
