import { afterEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { envelopeFrame } from '../support/client-frames.js';
import { ResumableClient } from '../support/resumable-client.js';
import type { Resumption } from '../support/resumable-line.js';
import { cutAndAwait, kick, QUIET, refusalOf, sendTo, untilAway } from '../support/resume.js';
import { gather, settle } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let bob: Client;
let ann: ResumableClient;
afterEach(() => server.stop());

async function start(variables: Record<string, string> = {}): Promise<void> {
  server = await startServer({ ...QUIET, ...variables });
  bob = await server.connect();
  ann = await ResumableClient.open(server);
}

/** A token may name a node that a young cluster does not know yet. */
const UNKNOWN = ['unknown', 'unavailable'];

/** Changes one character of a text. */
const changed = (text: string, index: number): string =>
  text.slice(0, index) + (text[index] === 'A' ? 'B' : 'A') + text.slice(index + 1);

/** Returns a token with another secret. */
const wrong = (token: string): string => token.slice(0, token.length / 2).padEnd(token.length, 'x');

/** Checks that the session is as it was: connected, undisturbed, and able to return. */
async function expectUndisturbed(): Promise<void> {
  const { id } = ann;
  await settle(ann, bob);
  expect([ann.inbox, ann.connection.isOver]).toEqual([[], false]);
  expect(await sendTo(bob, id)).toEqual({ status: 'routed' });
  await ann.next('m');
  ann.cut();
  const { receiver, data } = await ann.resume();
  expect([receiver, (data as Resumption).resumed]).toEqual([id, true]);
}

describe('a client that cannot return', () => {
  it('gets a new session, with resumed: false, the reason, and what a client gets that asks to resume', async () => {
    await start();
    const { data, ...welcome } = await ann.resume({ token: wrong(ann.token) });
    expect(welcome).toMatchObject({ type: 'sys.welcome', sender: 'server' });
    expect(data).toMatchObject({ protocol: 1, resumed: false, reason: 'unknown', resume: { windowMs: 60_000 } });
    for (const field of ['received', 'awayMs']) expect(data).not.toHaveProperty(field);
    expect(await sendTo(bob, ann.id)).toEqual({ status: 'routed' });
    await ann.next('m');
    const { id } = ann;
    ann.cut();
    expect((await ann.resume()).receiver).toBe(id);
  });

  it('is in no room of the session that it had', async () => {
    await start();
    await gather('garden', ann, bob);
    await ann.resume({ token: wrong(ann.token) });
    expect(await sendTo(ann, '#garden')).toMatchObject({ code: 'not_joined' });
  });

  it.each(['subprotocol', 'header'] as const)('gets the reason by the %s', async (by) => {
    await start();
    expect(await refusalOf(server, wrong(ann.token), { by })).toBe('unknown');
  });

  it('has a token that nobody gave', async () => {
    await start();
    const tokens = ['x', 'new', '-', '_'.repeat(128), ...[8, 22, 45, 47].map((length) => 'x'.repeat(length))];
    for (const token of tokens)
      for (const frames of [0, 1, 999_999_999_999_999])
        expect([token, await refusalOf(server, token, { frames })]).toEqual([token, 'unknown']);
  });
});

describe('the reason', () => {
  it('is ended where the client ended the session', async () => {
    await start();
    await ann.close(1000);
    expect(await refusalOf(server, ann.token)).toBe('ended');
  });

  it('is ended where the server ended the session, connected or away', async () => {
    await start();
    const eve = await ResumableClient.open(server);
    await cutAndAwait(eve, bob);
    for (const client of [ann, eve]) {
      await kick(server, client);
      expect(await refusalOf(server, client.token)).toBe('ended');
    }
  });

  it('is expired where RESUME_WINDOW_MS was over', async () => {
    await start({ RESUME_WINDOW_MS: '50', NOTICE_SCOPE: 'all' });
    ann.cut();
    await bob.next('sys.departed');
    expect(await refusalOf(server, ann.token)).toBe('expired');
  });

  it('is unknown where an ended session is named with another secret', async () => {
    await start();
    await ann.close(1000);
    expect(await refusalOf(server, changed(ann.token, ann.token.length - 2))).toBe('unknown');
  });
});

describe('a session is not disturbed', () => {
  it('by a token with one other character, while it is connected and while it is away', async () => {
    await start();
    const { token } = ann;
    const others = Array.from({ length: token.length - 1 }, (_, index) => changed(token, index));
    for (const each of [...others, token.slice(0, -1), `${token}A`, token.toUpperCase()])
      expect(UNKNOWN).toContain(await refusalOf(server, each));
    await expectUndisturbed();
    await cutAndAwait(ann, bob);
    for (const index of [0, 7, 8, 23, 24, token.length - 2])
      expect(UNKNOWN).toContain(await refusalOf(server, changed(ann.token, index)));
    await untilAway(bob, ann.id);
    await ann.resume();
    await expectUndisturbed();
  });

  it('by its token with more frames than were sent', async () => {
    await start();
    await ann.ping();
    await ann.ping();
    for (const frames of [3, 1000]) expect(await refusalOf(server, ann.token, { frames })).toBe('unknown');
    await expectUndisturbed();
  });

  it('by its token with fewer frames than were seen', async () => {
    await start();
    for (let count = 0; count < 4; count++) await ann.ping();
    ann.line.report(3);
    await ann.ping();
    for (const frames of [0, 2]) expect(await refusalOf(server, ann.token, { frames })).toBe('unknown');
    await expectUndisturbed();
  });

  it('by a token that was used, once a frame has come on the new connection', async () => {
    await start();
    const used: string[] = [];
    for (let round = 0; round < 3; round++) {
      used.push(ann.token);
      ann.cut();
      await ann.resume();
      await ann.ping();
    }
    for (const token of used) expect(await refusalOf(server, token, { frames: ann.line.received })).toBe('unknown');
    await expectUndisturbed();
  });
});

describe('a second connection with a good token', () => {
  it('wins, and the first is closed with 4001', async () => {
    await start();
    const { id, token, connection } = ann;
    await gather('garden', ann, bob);
    const second = await ResumableClient.return(server, { token, frames: ann.line.received });
    expect(second.id).toBe(id);
    expect(await connection.closed).toEqual({ code: 4001, reason: 'replaced' });
    expect(await sendTo(bob, '#garden', 1)).toEqual({ status: 'accepted' });
    expect(await second.next('m')).toMatchObject({ receiver: '#garden', data: 1 });
    await settle(bob);
    expect(bob.inbox).toEqual([]);
    expect(await refusalOf(server, token)).toBe('unknown'); // the second client has sent frames
  });

  it('wins, and what comes on the first connection after that has no effect', async () => {
    await start();
    const { connection } = ann;
    ann.cut('silence');
    await ann.resume();
    for (const receiver of [bob.id, '*']) connection.writeLate(envelopeFrame({ type: 'late', receiver }));
    for (let data = 0; data < 3; data++) ann.send({ type: 'm', receiver: bob.id, data });
    await settle(ann, bob);
    expect(bob.inbox.map(({ data }) => data as unknown)).toEqual([0, 1, 2]);
    ann.cut();
    expect((await ann.resume()).data).toMatchObject({ resumed: true });
  });

  it('wins each time, however often and fast it comes', async () => {
    await start();
    const { id } = ann;
    for (let round = 0; round < 20; round++) {
      const before = ann.connection;
      ann.send({ type: 'm', receiver: bob.id, data: round });
      expect((await ann.resume()).receiver).toBe(id);
      expect((await before.closed).code).toBe(4001);
    }
    await settle(ann, bob);
    expect(bob.inbox.map(({ data }) => data as unknown)).toEqual(Array.from({ length: 20 }, (_, round) => round));
  });

  it('wins where both come at once: one session, one connection', async () => {
    await start();
    const { id, token } = ann;
    const frames = ann.line.received;
    ann.cut();
    const both = await Promise.all([1, 2].map(() => ResumableClient.return(server, { token, frames })));
    expect(both.map((client) => client.id)).toEqual([id, id]);
    const first = await Promise.race(both.map(async (each) => ({ each, closed: await each.connection.closed })));
    expect(first.closed).toEqual({ code: 4001, reason: 'replaced' });
    const winner = both.find((each) => each !== first.each)!;
    expect(await sendTo(bob, id)).toEqual({ status: 'routed' });
    await winner.next('m');
    await winner.settled();
    expect(winner.connection.isOver).toBe(false);
  });
});
