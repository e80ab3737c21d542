import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Client, type Received } from '../support/client.js';
import { ResumableClient } from '../support/resumable-client.js';
import { authorized, cutAndAwait, entryOf, LANES, QUIET, sendTo } from '../support/resume.js';
import { gather, joinRoom, membersOf, settle } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const HELD = { status: 'held' };

describe.each(LANES)('a session that is away (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let bob: Client;
  let ann: ResumableClient;
  afterEach(() => server.stop());

  /** Starts a server with a client that will be away, of the user zoe, and an observer. */
  async function start(variables: Record<string, string> = {}): Promise<void> {
    server = await startServer({ ...AUTH, AUTH: 'optional', ...QUIET, FAST_LANE, ...variables });
    bob = await server.connect();
    ann = await openAs('zoe');
  }

  const openAs = async (sub: string): Promise<ResumableClient> =>
    ResumableClient.open(server, authorized(await token({ sub })));
  const as = async (sub: string): Promise<Client> => connect(server.url, bearer(await token({ sub })));

  /** Returns all that a client has received, once nothing is in flight. */
  async function inboxOf(client: Client | ResumableClient): Promise<Received[]> {
    await settle(bob, client);
    return client.inbox.splice(0);
  }

  /** Fields of a message that a test compares. */
  const brief = ({ type, sender, receiver, data }: Received): unknown[] => [type, sender, receiver, data];

  it('keeps messages of all kinds, which arrive after the return in the order sent', async () => {
    await start();
    await gather('garden', ann, bob);
    await cutAndAwait(ann, bob);
    for (let data = 0; data < 40; data++)
      bob.send({ type: 'm', receiver: [ann.id, '@zoe', '#garden', '*'][data % 4], data });
    await bob.settled();
    await ann.resume();
    const receivers = [ann.id, '@zoe', '#garden', '*'];
    expect((await inboxOf(ann)).map(brief)).toEqual(
      Array.from({ length: 40 }, (_, data) => ['m', bob.id, receivers[data % 4], data]),
    );
  });

  it('makes the status of a direct message held, once', async () => {
    await start();
    await cutAndAwait(ann, bob);
    bob.send({ type: 'm', receiver: ann.id, id: '1' });
    expect(await bob.answer('1')).toEqual({
      type: 'sys.ack',
      sender: 'server',
      receiver: bob.id,
      ref: '1',
      data: HELD,
    });
    await ann.resume();
    expect(await ann.next('m')).toMatchObject({ id: '1', sender: bob.id });
    expect(await sendTo(bob, ann.id)).toEqual({ status: 'routed' });
    await settle(ann, bob);
    expect(bob.inbox).toEqual([]);
  });

  it('is counted as held in the answer to a message to its user', async () => {
    await start();
    const [zoe] = [await as('zoe'), await as('zoe'), await openAs('zoe')];
    await cutAndAwait(ann, bob);
    expect(await sendTo(bob, '@zoe')).toEqual({ status: 'routed', sessions: 3, held: 1 });
    expect(await sendTo(zoe, '@zoe')).toEqual({ status: 'routed', sessions: 2, held: 1 });
  });

  it('makes the status of a message to its user held where all sessions of the user are away', async () => {
    await start();
    const second = await openAs('zoe');
    for (const client of [ann, second]) await cutAndAwait(client, bob);
    expect(await sendTo(bob, '@zoe', 'x')).toEqual({ ...HELD, sessions: 0, held: 2 });
    for (const client of [ann, second]) {
      await client.resume();
      expect(await client.next('m')).toMatchObject({ receiver: '@zoe', data: 'x' });
    }
  });

  it('does not change the status of broadcasts and room messages', async () => {
    await start();
    await gather('garden', ann, bob);
    await cutAndAwait(ann, bob);
    for (const receiver of ['*', '#garden']) expect(await sendTo(bob, receiver)).toEqual({ status: 'accepted' });
  });

  it('keeps its rooms and its watches, and what happens in them arrives after the return', async () => {
    await start();
    await gather('garden', ann, bob);
    ann.send({ type: 'sys.watch', receiver: '@eve', id: 'w' });
    await ann.answer('w');
    await cutAndAwait(ann, bob);
    const eve = await as('eve');
    await joinRoom(eve, 'garden');
    await eve.close(1000);
    await bob.next('sys.left');
    await ann.resume();
    const seen = (await inboxOf(ann)).map(brief);
    const presence = (online: boolean): unknown[] => [
      'sys.presence',
      'server',
      ann.id,
      { user: 'eve', online, sessions: online ? 1 : 0 },
    ];
    expect(seen).toEqual([
      presence(true),
      ['sys.joined', eve.id, '#garden', {}],
      ['sys.left', eve.id, '#garden', { code: 1000 }],
      presence(false),
    ]);
    expect((await membersOf(bob, 'garden')).total).toBe(2);
    expect(await sendTo(ann, '#garden')).toEqual({ status: 'accepted' });
    expect((await bob.next('m')).sender).toBe(ann.id);
  });

  it('keeps its user online', async () => {
    await start();
    bob.send({ type: 'sys.watch', receiver: '@zoe', id: 'w' });
    expect((await bob.answer('w')).data).toEqual({ user: 'zoe', online: true, sessions: 1 });
    await cutAndAwait(ann, bob);
    bob.send({ type: 'sys.watch', receiver: '@zoe', id: 'v' });
    expect((await bob.answer('v')).data).toEqual({ user: 'zoe', online: true, sessions: 1 });
    await ann.resume();
    expect(await inboxOf(bob)).toEqual([]);
  });

  it('is away in lists of sessions, members and sessions of its user, until it returns', async () => {
    await start();
    await gather('garden', ann, bob);
    const receivers = [undefined, '#garden', '@zoe'];
    for (const receiver of receivers) expect(await entryOf(bob, ann.id, receiver)).toBe(ann.id);
    await cutAndAwait(ann, bob);
    for (const receiver of receivers) expect(await entryOf(bob, ann.id, receiver)).toEqual({ id: ann.id, away: true });
    for (const receiver of [undefined, '#garden']) expect(await entryOf(bob, bob.id, receiver)).toBe(bob.id);
    await ann.resume();
    await settle(bob);
    for (const receiver of receivers) expect(await entryOf(bob, ann.id, receiver)).toBe(ann.id);
  });

  it('is away in lists with users where the operator shows users', async () => {
    await start({ SHOW_USERS: 'on' });
    ann.cut();
    await expect.poll(() => entryOf(bob, ann.id), { interval: 5 }).toEqual({ id: ann.id, user: 'zoe', away: true });
  });

  it('gets the notices of others after the return, in order', async () => {
    await start({ ARRIVAL_NOTICES: 'on', NOTICE_SCOPE: 'all' });
    await cutAndAwait(ann, bob);
    await settle(bob);
    const eve = await server.connect();
    await bob.next('sys.arrived');
    eve.send({ type: 'm', receiver: ann.id, data: 1 });
    await eve.close(4321);
    await bob.next('sys.departed');
    await ann.resume();
    const seen = (await inboxOf(ann)).filter(({ sender }) => sender === eve.id).map(({ type }) => type);
    expect(seen).toEqual(['sys.arrived', 'm', 'sys.departed']);
  });
});
