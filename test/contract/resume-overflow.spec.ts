import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Client, type Received } from '../support/client.js';
import { ResumableClient } from '../support/resumable-client.js';
import { authorized, cutAndAwait, LANES, QUIET, sendTo } from '../support/resume.js';
import { gather, joined, joinRoom, leaveRoom, left, settle } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const BYTES = 20_000;
/** Two of these fit into {@link BYTES}, three do not. */
const FILL = 'f'.repeat(8000);

describe.each(LANES)('what does not fit in RESUME_BYTES (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let bob: Client;
  let ann: ResumableClient;
  afterEach(() => server.stop());

  /** Starts a server with a client that is away and a sender, members of one room. */
  async function start(variables: Record<string, string> = {}): Promise<void> {
    const settings = { FAST_LANE, RESUME_BYTES: String(BYTES), ...variables };
    server = await startServer({ ...AUTH, AUTH: 'optional', ...QUIET, ...settings });
    bob = await server.connect();
    ann = await ResumableClient.open(server, authorized(await token({ sub: 'zoe' })));
    await gather('garden', ann, bob);
    await cutAndAwait(ann, bob);
  }

  /** Sends numbered messages to the session until one is refused. Returns how many were kept. */
  async function fill(): Promise<number> {
    for (let number = 0; ; number++) {
      if (number * FILL.length > 2 * BYTES) throw new Error('more is kept than RESUME_BYTES');
      const answer = await sendTo(bob, ann.id, [number, FILL]);
      if ((answer as { status?: string }).status !== 'held') {
        expect(answer).toMatchObject({ code: 'receiver_overloaded' });
        return number;
      }
    }
  }

  /** Lets the client return, and returns what it receives, once nothing is in flight. */
  async function returned(): Promise<Received[]> {
    await ann.resume();
    await settle(bob, ann);
    return ann.inbox.splice(0);
  }

  const gap = (messages: number, notices: number): object => ({
    type: 'sys.gap',
    sender: 'server',
    receiver: ann.id,
    data: { messages, notices },
  });
  const numbersOf = (received: readonly Received[]): unknown[] =>
    received.filter(({ type }) => type === 'm').map(({ data }) => (data as unknown[])[0]);

  it('is answered receiver_overloaded where it is a direct message, and is not kept', async () => {
    await start();
    const kept = await fill();
    expect(kept).toBe(2);
    const received = await returned();
    expect(numbersOf(received)).toEqual([0, 1]);
    expect(received).toHaveLength(2);
    expect(await sendTo(bob, ann.id, [9, FILL])).toEqual({ status: 'routed' });
    expect((await ann.next('m')).data).toEqual([9, FILL]);
  });

  it('is passed over where it is a broadcast or a room message, and reported by sys.gap at its place', async () => {
    await start();
    for (const [number, receiver] of ['*', '#garden', '*', '#garden', '#garden'].entries()) {
      const answer = await sendTo(bob, receiver, [number, FILL]);
      if (receiver === '*') expect(answer).toMatchObject({ status: 'accepted' });
      else expect(answer).toEqual({ status: 'accepted', ...(number >= 2 && { skipped: 1 }) });
    }
    const received = await returned();
    expect(numbersOf(received)).toEqual([0, 1]);
    expect(received.slice(2)).toEqual([gap(3, 0)]);
    await sendTo(bob, '#garden', [5, '']);
    expect((await ann.next('m')).data).toEqual([5, '']);
    await settle(bob, ann);
    expect(ann.inbox).toEqual([]);
  });

  it('is passed over where it is a notice, and the number of notices is in sys.gap', async () => {
    await start();
    await fill();
    const rounds = Array.from({ length: 50 }, (_, round) => round);
    const eve = await server.connect();
    for (const _ of rounds) {
      await joinRoom(eve, 'garden');
      await leaveRoom(eve, 'garden');
    }
    await settle(bob, eve);
    const received = (await returned()).slice(2);
    const notices = received.filter(({ type }) => type !== 'sys.gap');
    const gaps = received.filter(({ type }) => type === 'sys.gap').map(({ data }) => data as { notices: number });
    const missed = gaps.reduce((sum, { notices: count }) => sum + count, 0);
    expect(notices.length + missed).toBe(2 * rounds.length);
    expect(missed).toBeGreaterThan(0);
    const all = rounds.flatMap(() => [joined(eve.id, 'garden'), left(eve.id, 'garden')]);
    expect(notices).toEqual(all.slice(0, notices.length));
    expect(received.at(-1)).toEqual(gap(0, missed));
  });

  it('is answered receiver_overloaded where it is a message to a user without another session, and reported by sys.gap', async () => {
    await start();
    await fill();
    expect(await sendTo(bob, '@zoe', [7, FILL])).toMatchObject({ code: 'receiver_overloaded' });
    expect((await returned()).slice(2)).toEqual([gap(1, 0)]);
  });

  it('reaches the other sessions of the user', async () => {
    await start();
    await fill();
    const other = await connect(server.url, bearer(await token({ sub: 'zoe' })));
    expect(await sendTo(bob, '@zoe', [7, FILL])).toEqual({ status: 'routed', sessions: 1 });
    expect((await other.next('m')).data).toEqual([7, FILL]);
    expect((await returned()).slice(2)).toEqual([gap(1, 0)]);
  });

  it('includes what was sent before the absence and not seen', async () => {
    await start();
    await ann.resume({ frames: ann.line.received });
    for (const number of [0, 1]) {
      await sendTo(bob, ann.id, [number, FILL]);
      await ann.next('m');
    }
    await cutAndAwait(ann, bob);
    expect(await sendTo(bob, ann.id, [2, FILL])).toMatchObject({ code: 'receiver_overloaded' });
  });

  it('fits again once the client has returned and seen', async () => {
    await start();
    for (let round = 0; round < 3; round++) {
      expect(await fill()).toBe(2);
      expect(numbersOf(await returned())).toEqual([0, 1]);
      ann.line.report();
      await cutAndAwait(ann, bob);
    }
  });
});
