import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { connect } from '../support/client.js';
import { idsOf, type ChaosClient, type Entry } from './chaos-client.js';
import type { Ledger } from './ledger.js';

const STEP_MS = 50;
const RECOVERY_LIMIT_MS = 60_000;

export async function allConnected(clients: readonly ChaosClient[]): Promise<void> {
  while (!clients.every(({ isConnected }) => isConnected)) await delay(STEP_MS);
}

/**
 * Waits after the last fault until all clients are connected, `sys.who` has the right sessions at each address, and every
 * message is answered. Returns the milliseconds until `sys.who` was right.
 */
export async function settle(
  ledger: Ledger,
  clients: readonly ChaosClient[],
  urls: readonly string[],
  stopTraffic: () => void,
): Promise<number> {
  const healedMs = performance.now();
  await allConnected(clients);
  stopTraffic();
  const expectedIds = (): string[] => ledger.alive.map(({ id }) => id).toSorted();
  for (const url of urls)
    for (let ids: string[] = []; ids.join() !== expectedIds().join(); ids = await listSessions(url).catch(() => [])) {
      if (performance.now() - healedMs > RECOVERY_LIMIT_MS) expect(ids).toEqual(expectedIds());
      await delay(STEP_MS);
    }
  const recoveryMs = Math.round(performance.now() - healedMs);
  const isSettled = (): boolean =>
    ledger.alive.every(({ unanswered }) => unanswered.size === 0) && ledger.disagreements().length === 0;
  while (!isSettled() && performance.now() - healedMs < RECOVERY_LIMIT_MS) await delay(STEP_MS);
  await allConnected(clients);
  return recoveryMs;
}

/** Lists the ids of all sessions as one node answers `sys.who`. */
async function listSessions(url: string): Promise<string[]> {
  const client = await connect(url);
  const ids: string[] = [];
  for (let after: string | undefined; ;) {
    client.send({ type: 'sys.who', id: 'w', data: { limit: 1000, ...(after !== undefined && { after }) } });
    const { sessions, next } = (await client.answer('w')).data as { sessions: Entry[]; next?: string };
    ids.push(...idsOf(sessions));
    if (next === undefined) break;
    after = next;
  }
  await client.close(1000);
  return ids.filter((id) => id !== client.id);
}
