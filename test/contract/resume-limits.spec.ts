import { afterEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { ResumableClient } from '../support/resumable-client.js';
import type { Resumption } from '../support/resumable-line.js';
import { cutAndAwait, NO_TOKEN, refusalOf, sendTo, untilAway } from '../support/resume.js';
import { settle } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { threadTimeMs } from '../support/thread-clock.js';

const FILL = 'f'.repeat(4000);

let server: TestServer;
let bob: Client;
afterEach(() => server.stop());

async function start(variables: Record<string, string>): Promise<void> {
  server = await startServer({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'all', AWAY_NOTICE_MS: '0', ...variables });
  bob = await server.connect();
}

const open = (): Promise<ResumableClient> => ResumableClient.open(server);

/** Opens sessions, and loses their connections one after the other. */
async function openAway(count: number): Promise<ResumableClient[]> {
  const clients = [];
  for (let number = 0; number < count; number++) clients.push(await open());
  for (const client of clients) await cutAndAwait(client, bob);
  return clients;
}

async function expectBack(client: ResumableClient): Promise<void> {
  const { id } = client;
  const { receiver, data } = await client.resume();
  expect([receiver, (data as Resumption).resumed]).toEqual([id, true]);
}

describe('MAX_CONNECTIONS', () => {
  it('counts sessions that are away; for a new client the one that is away longest ends, and gets overflow', async () => {
    await start({ MAX_CONNECTIONS: '4' });
    const [first, second, third] = (await openAway(3)) as [ResumableClient, ResumableClient, ResumableClient];
    const newcomer = await open();
    expect(await bob.next()).toMatchObject({ type: 'sys.departed', sender: first.id });
    for (const client of [second, third]) {
      await untilAway(bob, client.id);
      await expectBack(client);
    }
    await newcomer.settled();
    await newcomer.close(1000);
    await bob.next('sys.departed');
    expect(await refusalOf(server, first.token)).toBe('overflow');
  });

  it('rejects a new client where nobody is away, and never a return', async () => {
    await start({ MAX_CONNECTIONS: '2' });
    const ann = await open();
    await expect(open()).rejects.toMatchObject({ status: 503 });
    await expectBack(ann); // its connection before is open
    await cutAndAwait(ann, bob);
    await expectBack(ann);
    await expect(open()).rejects.toMatchObject({ status: 503 });
  });
});

describe('MAX_CONNECTIONS_PER_ADDRESS', () => {
  it('does not count sessions that are away', async () => {
    await start({ MAX_CONNECTIONS_PER_ADDRESS: '2' });
    const away = await openAway(1);
    const third = await open();
    expect(await sendTo(third, away[0]!.id)).toEqual({ status: 'held' });
    await third.close(1000);
    await expectBack(away[0]!);
  });
});

describe('MAX_CONNECTIONS_PER_ADDRESS, where it is reached', () => {
  it('lets a client replace its own connection', async () => {
    await start({ MAX_CONNECTIONS_PER_ADDRESS: '2' });
    const ann = await open();
    await expectBack(ann); // its connection before is open
    await expectBack(ann);
  });

  it('ends no session that is away for a client that is closed with 4103', async () => {
    await start({ MAX_CONNECTIONS_PER_ADDRESS: '10', MAX_CONNECTIONS: '11' });
    const [away] = (await openAway(1)) as [ResumableClient];
    const others: ResumableClient[] = [];
    for (let count = 0; count < 9; count++) others.push(await open()); // and bob
    await expect(away.resume()).rejects.toThrow('4103');
    await others[0]!.close(1000);
    await expectBack(away);
  });
});

describe('HANDSHAKES_PER_SECOND', () => {
  it('counts attempts to return, and a rejected one disturbs nothing', async () => {
    await start({ HANDSHAKES_PER_SECOND: '2' });
    const ann = await open();
    const attempts = Array.from({ length: 20 }, () =>
      refusalOf(server, NO_TOKEN).catch((error: { status?: number }) => error.status),
    );
    const outcomes = await Promise.all(attempts);
    expect(outcomes).toContain(429);
    await ann.settled();
    expect(ann.connection.isOver).toBe(false);
  });
});

describe('RESUME_BUDGET_BYTES', () => {
  it('is the bytes kept for all sessions; over it the one that is away longest ends, and gets overflow', async () => {
    await start({ RESUME_BUDGET_BYTES: '20000' });
    const clients = await openAway(3);
    for (const { id } of clients) expect(await sendTo(bob, id, FILL)).toEqual({ status: 'held' });
    for (const { id } of clients.slice(1)) expect(await sendTo(bob, id, FILL)).toEqual({ status: 'held' });
    const [first, ...others] = clients as [ResumableClient, ResumableClient, ResumableClient];
    expect(await bob.next('sys.departed')).toMatchObject({ sender: first.id, data: { code: 1006 } });
    expect(await bob.next('sys.undelivered')).toMatchObject({ ref: 'm', data: { receiver: first.id } });
    expect(await refusalOf(server, first.token)).toBe('overflow');
    for (const client of others) {
      await expectBack(client);
      for (let count = 0; count < 2; count++) expect((await client.next('m')).data).toBe(FILL);
    }
  });
});

describe('a client that returns', () => {
  it('and does not read is a slow consumer as any other, and its session ends with 4100', async () => {
    const limits = { OUTBOX_HIGH_WATER_BYTES: '262144', SLOW_CONSUMER_MS: '300', RESUME_BYTES: '1000000' };
    await start({ ...limits, HEARTBEAT_MS: '600000' });
    const ann = await open();
    await cutAndAwait(ann, bob);
    await ann.resume();
    ann.cut('silence');
    const fill = 'f'.repeat(60_000);
    for (let id = 0, code: unknown; code === undefined; id++) {
      bob.send({ type: 'fill', receiver: ann.id, id: `${id}`, data: fill });
      code = (await bob.answer(`${id}`)).data.code;
    }
    expect(await bob.next('sys.departed')).toMatchObject({ sender: ann.id, data: { code: 4100 } });
    expect(await refusalOf(server, ann.token, { frames: ann.line.received })).toBe('ended');
  });
});

describe('the count of the server', () => {
  it('is reported by sys.seen after 5 s where there is something new', async () => {
    await start({});
    const ann = await ResumableClient.open(server, { reports: 'on request' });
    const startMs = threadTimeMs();
    ann.send({ type: 'm', receiver: bob.id });
    await expect.poll(() => ann.seen, { interval: 50 }).toHaveLength(1);
    expect(threadTimeMs() - startMs).toBeLessThan(6000);
    expect(JSON.parse(ann.seen[0]!)).toMatchObject({ data: { frames: 1 } });
    await settle(bob);
    expect(bob.inbox).toHaveLength(1);
  });
});
