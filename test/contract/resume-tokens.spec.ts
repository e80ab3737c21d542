import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { ResumableClient } from '../support/resumable-client.js';
import type { Resumption } from '../support/resumable-line.js';
import { authorized, cutAndAwait, entryOf, refusalOf, sendTo, untilAway } from '../support/resume.js';
import { gather, membersOf, settle } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, soon, token } from '../support/tokens.js';

const VALID_S = 60;
const UNAUTHORIZED = { status: 401 };

let server: TestServer;
let bob: Client;
let ann: ResumableClient;
afterEach(() => server.stop());

const of = async (sub: string, expires: number | string = '1h') => authorized(await token({ sub, expires }));

async function start(variables: Record<string, string> = {}, expires: number | string = '1h'): Promise<void> {
  server = await startServer({
    ...AUTH,
    ARRIVAL_NOTICES: 'off',
    NOTICE_SCOPE: 'all',
    AWAY_NOTICE_MS: '0',
    ...variables,
  });
  bob = await connect(server.url, bearer(await token({ sub: 'bob', expires: '10h' })));
  ann = await ResumableClient.open(server, await of('ann', expires));
}

/** Checks that the session is away and comes back for its client with a new token of its user. */
async function expectBack(sub = 'ann'): Promise<void> {
  const { id } = ann;
  const { receiver, data } = await ann.resume(await of(sub));
  expect([receiver, (data as Resumption).resumed]).toEqual([id, true]);
  await settle(ann, bob);
  expect(bob.inbox).toEqual([]);
}

describe('a return with AUTH=required', () => {
  it('needs a token of the user, and without one disturbs nothing', async () => {
    await start();
    await expect(ann.resume({ headers: [] })).rejects.toMatchObject(UNAUTHORIZED);
    await expect(ann.resume(authorized('nonsense'))).rejects.toMatchObject(UNAUTHORIZED);
    expect(await entryOf(bob, ann.id)).toBe(ann.id); // its connection is open, though the client has given it up
    await expectBack();
    await cutAndAwait(ann, bob);
    await expect(ann.resume({ headers: [] })).rejects.toMatchObject(UNAUTHORIZED);
    await untilAway(bob, ann.id);
    await expectBack();
  });

  it('accepts another token of the same user', async () => {
    await start();
    ann.cut();
    await expectBack();
  });

  it('with a token of another user opens a new session of that user, and disturbs nothing', async () => {
    await start();
    const frames = ann.line.received;
    expect(await refusalOf(server, ann.token, { ...(await of('eve')), frames })).toBe('unknown');
    await bob.next('sys.departed');
    expect(ann.connection.isOver).toBe(false);
    await cutAndAwait(ann, bob);
    expect(await refusalOf(server, ann.token, { ...(await of('eve')), frames })).toBe('unknown');
    await bob.next('sys.departed');
    await expectBack();
    expect(await sendTo(bob, '@ann')).toEqual({ status: 'routed', sessions: 1 });
  });

  it('may bring both tokens by subprotocols', async () => {
    await start();
    ann.cut();
    const offered = [
      'switchboard.v1',
      `resume.${ann.token}.${ann.line.received}`,
      `bearer.${await token({ sub: 'ann' })}`,
    ];
    const back = await connect(server.url, { protocols: offered });
    expect(back.id).toBe(ann.id);
    expect(back.socket.protocol).toBe('switchboard.v1');
  });

  it('with AUTH=optional needs the token of the user that the session has', async () => {
    await start({ AUTH: 'optional' });
    const stranger = await ResumableClient.open(server);
    for (const [client, others] of [
      [ann, { headers: [] }],
      [stranger, await of('ann')],
    ] as const) {
      const frames = client.line.received;
      expect(await refusalOf(server, client.token, { ...others, frames })).toBe('unknown');
      await bob.next('sys.departed');
    }
    await expectBack();
    const { id } = stranger;
    stranger.cut();
    expect((await stranger.resume()).receiver).toBe(id);
  });
});

describe('a token that expires', () => {
  // Only the date is faked, because a token of two real seconds may expire too early on a busy machine.
  const expire = (): void => void vi.setSystemTime(Date.now() + VALID_S * 1000);
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());

  it('closes the connection with 4102, and the session is away', async () => {
    await start({}, soon(VALID_S));
    await gather('garden', ann, bob);
    expire();
    expect(await ann.connection.closed).toEqual({ code: 4102, reason: 'token_expired' });
    await untilAway(bob, ann.id);
    expect(await sendTo(bob, ann.id, 'kept')).toEqual({ status: 'held' });
    await settle(bob);
    expect(bob.inbox).toEqual([]);
    await expectBack();
    expect(await ann.next('m')).toMatchObject({ data: 'kept' });
    expect((await membersOf(bob, 'garden')).total).toBe(2);
  });

  it('is not accepted for the return', async () => {
    const expires = soon(VALID_S);
    await start({}, expires);
    expire();
    await ann.connection.closed;
    await expect(ann.resume(await of('ann', expires))).rejects.toMatchObject(UNAUTHORIZED);
    await untilAway(bob, ann.id);
    await expectBack();
  });

  it('while the session is away ends nothing', async () => {
    await start({}, soon(VALID_S));
    await cutAndAwait(ann, bob);
    expire();
    await expect(ann.resume()).rejects.toMatchObject(UNAUTHORIZED);
    await untilAway(bob, ann.id);
    await expectBack();
  });

  it('after the return is the one of the return', async () => {
    await start({}, soon(VALID_S));
    ann.cut();
    await ann.resume(await of('ann', soon(2 * VALID_S)));
    expire();
    await settle(ann, bob);
    expect(ann.connection.isOver).toBe(false);
    expire();
    expect((await ann.connection.closed).code).toBe(4102);
    await untilAway(bob, ann.id);
    await expectBack();
  });

  it('ends the session when RESUME_WINDOW_MS is over, with 4102', async () => {
    await start({ RESUME_WINDOW_MS: '100' }, soon(VALID_S));
    expire();
    expect(await bob.next()).toMatchObject({ type: 'sys.departed', sender: ann.id, data: { code: 4102 } });
  });
});

describe('the limit of a user', () => {
  it('counts sessions that are away, and does not refuse their return', async () => {
    await start({ MAX_CONNECTIONS_PER_USER: '1' });
    await cutAndAwait(ann, bob);
    await expect(ResumableClient.open(server, await of('ann'))).rejects.toMatchObject({ status: 429 });
    await expectBack();
    await ann.close(1000);
    await bob.next('sys.departed');
    expect((await ResumableClient.open(server, await of('ann'))).id).not.toBe(ann.id);
  });

  it('does not refuse a return while the connection before is open', async () => {
    await start({ MAX_CONNECTIONS_PER_USER: '1' });
    const { connection } = ann;
    await expectBack();
    expect((await connection.closed).code).toBe(4001);
  });
});
