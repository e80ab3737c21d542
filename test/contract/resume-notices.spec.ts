import { afterEach, describe, expect, it } from 'vitest';
import type { Client, Received } from '../support/client.js';
import { ResumableClient } from '../support/resumable-client.js';
import { cutAndAwait, untilAway } from '../support/resume.js';
import { gather, settle } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { threadTimeMs } from '../support/thread-clock.js';

const NOTICE_MS = 300;
const SOON = { AWAY_NOTICE_MS: '1' };

let server: TestServer;
let ann: ResumableClient;
afterEach(() => server.stop());

async function start(variables: Record<string, string>): Promise<void> {
  server = await startServer({ ARRIVAL_NOTICES: 'off', ...variables });
  ann = await ResumableClient.open(server);
}

const clients = (count: number): Promise<Client[]> =>
  Promise.all(Array.from({ length: count }, () => server.connect()));
const notice = (type: string): object => ({ type, sender: ann.id, receiver: '*' });
const [AWAY, BACK] = ['sys.away', 'sys.back'];

/** Returns what clients have received, once nothing is in flight. */
async function inboxes(...all: readonly (Client | ResumableClient)[]): Promise<Received[][]> {
  await settle(...all);
  return all.map(({ inbox }) => inbox.splice(0) as Received[]);
}

describe('sys.away and sys.back', () => {
  it('are sent once to each of the others, who are notified of departures', async () => {
    await start({ ...SOON, NOTICE_SCOPE: 'all' });
    const others = [...(await clients(3)), await ResumableClient.open(server)];
    for (let round = 0; round < 3; round++) {
      ann.cut();
      for (const client of others) expect(await client.next()).toEqual(notice('sys.away'));
      await ann.resume();
      for (const client of others) expect(await client.next()).toEqual(notice('sys.back'));
    }
    expect(await inboxes(...others, ann)).toEqual([[], [], [], [], []]);
  });

  it('are sent when the session has been away for AWAY_NOTICE_MS', async () => {
    await start({ AWAY_NOTICE_MS: String(NOTICE_MS), NOTICE_SCOPE: 'all' });
    const [bob] = (await clients(1)) as [Client];
    const [startMs, startThreadMs] = [performance.now(), threadTimeMs()];
    ann.cut();
    await bob.next('sys.away');
    expect(performance.now() - startMs).toBeGreaterThan(NOTICE_MS - 5);
    expect(threadTimeMs() - startThreadMs).toBeLessThan(NOTICE_MS + 1500);
  });

  it('are not sent where the session returns before that', async () => {
    await start({ AWAY_NOTICE_MS: '60000', NOTICE_SCOPE: 'all' });
    const [bob] = (await clients(1)) as [Client];
    for (let round = 0; round < 5; round++) {
      ann.cut();
      await ann.resume();
    }
    expect(await inboxes(bob, ann)).toEqual([[], []]);
  });

  it('are never sent with AWAY_NOTICE_MS=0', async () => {
    await start({ AWAY_NOTICE_MS: '0', NOTICE_SCOPE: 'all' });
    const [bob] = (await clients(1)) as [Client];
    await cutAndAwait(ann, bob);
    await settle(bob);
    await ann.resume();
    expect(await inboxes(bob, ann)).toEqual([[], []]);
  });

  it('have their place in the order of what the session sends', async () => {
    await start({ ...SOON, NOTICE_SCOPE: 'all' });
    const [bob] = (await clients(1)) as [Client];
    const types: string[] = [];
    for (let round = 0; round < 10; round++) {
      for (const receiver of [bob.id, '*']) ann.send({ type: `m${round}`, receiver });
      await ann.settled();
      ann.cut();
      await untilAway(bob, ann.id);
      while (types.at(-1) !== AWAY) types.push((await bob.next()).type);
      ann.send({ type: `n${round}`, receiver: bob.id });
      await ann.resume();
      while (types.at(-1) !== `n${round}`) types.push((await bob.next()).type);
    }
    const expected = Array.from({ length: 10 }, (_, round) => [`m${round}`, `m${round}`, AWAY, BACK, `n${round}`]);
    expect(types).toEqual(expected.flat());
  });

  it('are followed by the departure where the session does not return', async () => {
    await start({ ...SOON, NOTICE_SCOPE: 'all', RESUME_WINDOW_MS: '200' });
    const [bob] = (await clients(1)) as [Client];
    ann.cut();
    expect(await bob.next()).toEqual(notice('sys.away'));
    expect(await bob.next()).toEqual({ ...notice('sys.departed'), data: { code: 1006 } });
    expect(await inboxes(bob)).toEqual([[]]);
  });

  it('are kept for others that are away', async () => {
    await start({ ...SOON, NOTICE_SCOPE: 'all' });
    const [bob] = (await clients(1)) as [Client];
    const eve = await ResumableClient.open(server);
    await cutAndAwait(eve, bob);
    await bob.next('sys.away');
    ann.cut();
    expect(await bob.next()).toEqual(notice('sys.away'));
    await ann.resume();
    expect(await bob.next()).toEqual(notice('sys.back'));
    await eve.resume();
    expect((await inboxes(eve))[0]).toEqual([notice('sys.away'), notice('sys.back')]);
  });

  it('are not sent about a session whose client has not asked to resume', async () => {
    await start({ ...SOON, NOTICE_SCOPE: 'all' });
    const [bob, eve] = (await clients(2)) as [Client, Client];
    eve.terminate();
    expect(await bob.next()).toMatchObject({ type: 'sys.departed', sender: eve.id });
    expect(await inboxes(bob)).toEqual([[]]);
  });
});

describe('the scope of sys.away and sys.back', () => {
  it('is the sessions that exchanged a message, with NOTICE_SCOPE=peers', async () => {
    await start({ ...SOON, NOTICE_SCOPE: 'peers' });
    const [sender, receiver, stranger] = (await clients(3)) as [Client, Client, Client];
    sender.send({ type: 'm', receiver: ann.id });
    await ann.next('m');
    ann.send({ type: 'm', receiver: receiver.id });
    await receiver.next('m');
    ann.cut();
    for (const client of [sender, receiver]) expect(await client.next()).toEqual(notice('sys.away'));
    await ann.resume();
    for (const client of [sender, receiver]) expect(await client.next()).toEqual(notice('sys.back'));
    expect(await inboxes(sender, receiver, stranger)).toEqual([[], [], []]);
  });

  it.each(['rooms', 'none'])('is the members of its rooms, once each, with NOTICE_SCOPE=%s', async (NOTICE_SCOPE) => {
    await start({ ...SOON, NOTICE_SCOPE });
    const [one, two, stranger] = (await clients(3)) as [Client, Client, Client];
    await gather('garden', ann, one, two);
    await gather('attic', ann, one);
    await gather('cellar', one, stranger);
    ann.send({ type: 'm', receiver: stranger.id });
    await stranger.next('m');
    ann.cut();
    for (const client of [one, two]) expect(await client.next()).toEqual(notice('sys.away'));
    await ann.resume();
    for (const client of [one, two]) expect(await client.next()).toEqual(notice('sys.back'));
    expect(await inboxes(one, two, stranger)).toEqual([[], [], []]);
  });

  it('is nobody without a room, with NOTICE_SCOPE=none', async () => {
    await start({ ...SOON, NOTICE_SCOPE: 'none' });
    const [bob] = (await clients(1)) as [Client];
    ann.send({ type: 'm', receiver: bob.id });
    await bob.next('m');
    await cutAndAwait(ann, bob);
    await settle(bob);
    await ann.resume();
    expect(await inboxes(bob)).toEqual([[]]);
  });

  it('does not include members of a room that is over ROOM_NOTICE_LIMIT', async () => {
    await start({ ...SOON, NOTICE_SCOPE: 'none', ROOM_NOTICE_LIMIT: '2' });
    const [one, two] = (await clients(2)) as [Client, Client];
    await gather('garden', ann, one, two);
    await gather('attic', ann, two);
    ann.cut();
    expect(await two.next('sys.away')).toEqual(notice('sys.away'));
    await ann.resume();
    expect(await two.next('sys.back')).toEqual(notice('sys.back'));
    const seen = (await inboxes(one, two)).flat().filter(({ type }) => type !== 'sys.room');
    expect(seen).toEqual([]);
  });
});
