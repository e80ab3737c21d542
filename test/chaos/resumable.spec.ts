import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { token } from '../support/tokens.js';
import { ChaosClient, type Choices } from './chaos-client.js';
import { ChaosNode, NODE_FAULTS } from './chaos-node.js';
import { Ledger } from './ledger.js';
import { PlainLine, ResumableLine } from './lines.js';
import { allConnected, settle } from './settle.js';
import { MESSAGES_PER_STEP, Traffic } from './traffic.js';

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 120);
const SEED = Number(process.env['SEED'] ?? 1);
const SESSIONS = 150;
/** One client in so many has sessions that end with their connections. */
const PLAIN_EVERY = 6;
const USERS = 50;
const ROOMS = 15;
const BETWEEN_FAULTS_MS = [200, 2000] as const;

describe(`one node and ${SESSIONS} sessions, most of them resumable, under random faults (seed ${SEED})`, () => {
  const random = new Random(SEED);
  const ledger = new Ledger();
  const faultCounts = new Map<string, number>();
  let node: ChaosNode;
  let clients: ChaosClient[] = [];
  let traffic: Traffic | undefined;

  beforeAll(async () => {
    node = await ChaosNode.start(random);
    const clientRandom = new Random(SEED + 1);
    const names = Array.from({ length: USERS }, (_, index) => `user${index}`);
    const users = await Promise.all(
      names.map(async (name) => ({ name, token: await token({ sub: name, expires: '1d' }) })),
    );
    const rooms = Array.from({ length: ROOMS }, (_, index) => `room${index}`);
    const choices: Choices = { urls: node.urls, users, rooms };
    const lineOf = (index: number) => (index % PLAIN_EVERY === 0 ? PlainLine : ResumableLine);
    clients = Array.from(
      { length: SESSIONS },
      (_, index) => new ChaosClient(ledger, users[index % USERS]!, choices, clientRandom, lineOf(index)),
    );
    node.clients = clients;
    await allConnected(clients);
    traffic = new Traffic(clients, users, new Random(SEED + 2));
  });
  afterAll(async () => {
    traffic?.stop();
    for (const client of clients) client.stop();
    await node?.stop();
  });

  it('lose nothing and double nothing', { timeout: SECONDS * 1000 + 180_000 }, async () => {
    const untilMs = performance.now() + SECONDS * 1000;
    const faults = Object.entries(NODE_FAULTS);
    for (let turn = 0; performance.now() < untilMs; turn++) {
      if (turn % faults.length === 0) random.shuffle(faults);
      const [name, inject] = faults[turn % faults.length]!;
      faultCounts.set(name, (faultCounts.get(name) ?? 0) + 1);
      await inject(node);
      await delay(random.between(...BETWEEN_FAULTS_MS));
    }
    await settle(ledger, clients, node.urls(), () => traffic!.stop());
    const counts = ledger.close([]);
    const { answers, reasons } = ledger;
    console.log(JSON.stringify({ ...Object.fromEntries([...faultCounts, ...answers, ...reasons]), ...counts }));
    expect(ledger.violations).toEqual([]);
    expect([...reasons.keys()]).toEqual(node.left === 0 ? [] : ['expired']);
    expect(reasons.get('expired') ?? 0).toBeLessThanOrEqual(node.left);
    expect(counts.unreported).toBe(0);
    expect(answers.get('held')).toBeGreaterThan(0);
    expect(counts.routed).toBeGreaterThan(SECONDS * MESSAGES_PER_STEP);
  });
});
