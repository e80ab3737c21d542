import { afterEach, describe, expect, it } from 'vitest';
import { ReplayBudget } from '../../src/resume/replay-budget.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { connect, type Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

const NEW = 'new';
const RESUME_BYTES = 65_536;
/** Full sessions for which the budget is enough. */
const FULL_SESSIONS = 4;
const BUDGET_BYTES = (FULL_SESSIONS + 0.5) * RESUME_BYTES;
const DATA = 'x'.repeat(8000);

let server: TestServer;
afterEach(() => server.stop());

/** Opens a session with an offer. */
function offer(text: string): Promise<Client> {
  return connect(server.url, { headers: { 'Switchboard-Resume': text } });
}

function tokenOf({ welcome }: Client): string {
  return welcome.data.resume.token as string;
}

/** Opens a resumable session and cuts its connection. */
async function abandon(): Promise<Client> {
  const client = await offer(NEW);
  client.socket.terminate();
  await client.closed;
  await expect.poll(() => server.app.get(SessionRegistry).find(client.id)?.state).not.toBe('open');
  return client;
}

/** Sends to a session until the answer is that no more is kept. Returns how many messages are kept. */
async function fill(from: Client, { id: receiver }: Client): Promise<number> {
  for (let count = 0; ; count++) {
    from.send({ type: 'x', receiver, id: `${receiver}/${count}`, data: DATA });
    const { type, data } = await from.answer(`${receiver}/${count}`);
    if (type === 'sys.ack') continue;
    expect(data.code).toBe('receiver_overloaded');
    return count;
  }
}

/** Exchanges messages of a calm pair. */
async function exchange(ann: Client, bob: Client): Promise<void> {
  for (let count = 0; count < 20; count++) {
    ann.send({ type: 'pair', receiver: bob.id, id: `${count}`, data: count });
    expect((await bob.next('pair')).data).toBe(count);
    expect((await ann.answer(`${count}`)).type).toBe('sys.ack');
  }
}

describe('sessions that a client collects and fills', () => {
  it('keep no more than RESUME_BUDGET_BYTES, and the longest away ends first with the reason overflow', async () => {
    server = await startServer({ RESUME_BYTES: `${RESUME_BYTES}`, RESUME_BUDGET_BYTES: `${BUDGET_BYTES}` });
    const [ann, bob] = [await connect(server.url), await connect(server.url)];
    const sender = await connect(server.url);
    const budget = server.app.get(ReplayBudget);
    const abandoned: Client[] = [];
    const kept: number[] = [];
    for (let count = 0; count < 3 * FULL_SESSIONS; count++) {
      abandoned.push(await abandon());
      kept.push(await fill(sender, abandoned.at(-1)!));
      await exchange(ann, bob);
      expect(budget.totalBytes).toBeLessThanOrEqual(BUDGET_BYTES);
    }
    expect(kept.every((count) => count > 0 && count * DATA.length < RESUME_BYTES)).toBe(true);
    const first = await offer(`${tokenOf(abandoned[0]!)}.0`);
    expect(first.id).not.toBe(abandoned[0]!.id);
    expect(first.welcome.data).toMatchObject({ resumed: false, reason: 'overflow' });
    await sender.settled();
    const reports = sender.inbox.filter(
      ({ type, data }) => type === 'sys.undelivered' && data.receiver === abandoned[0]!.id,
    );
    expect(reports).toHaveLength(kept[0]!);
    const last = await offer(`${tokenOf(abandoned.at(-1)!)}.0`);
    expect(last.id).toBe(abandoned.at(-1)!.id);
    expect(last.welcome.data.resumed).toBe(true);
    for (let count = 0; count < kept.at(-1)!; count++) expect((await last.next('x')).data).toBe(DATA);
    await exchange(ann, bob);
  });

  it('give their places to new clients where the node is full', async () => {
    server = await startServer({ MAX_CONNECTIONS: '10' });
    const [ann, bob] = [await connect(server.url), await connect(server.url)];
    const registry = server.app.get(SessionRegistry);
    const abandoned: Client[] = [];
    for (let count = 0; count < 30; count++) {
      abandoned.push(await abandon());
      expect(registry.size).toBeLessThanOrEqual(10);
    }
    await exchange(ann, bob);
    const late = Array.from({ length: 8 }, () => connect(server.url));
    for (const client of await Promise.all(late)) expect(client.welcome.type).toBe('sys.welcome');
    expect(registry.size).toBeLessThanOrEqual(10);
    await exchange(ann, bob);
  });

  it('are not disturbed by 300 wrong tokens, each of which is answered with a new session', async () => {
    server = await startServer({ RESUME_WINDOW_MS: '60000' });
    const owner = await abandon();
    const token = tokenOf(owner);
    for (let count = 0; count < 300; count++) {
      const at = token.length - 1 - (count % 22);
      const other = token[at] === 'A' ? 'Q' : 'A';
      const guess = await offer(`${token.slice(0, at)}${other}${token.slice(at + 1)}.0`);
      expect(guess.id).not.toBe(owner.id);
      expect(guess.welcome.data).toMatchObject({ resumed: false, reason: 'unknown' });
      await guess.close(1000);
    }
    const back = await offer(`${token}.0`);
    expect(back.id).toBe(owner.id);
  });
});
