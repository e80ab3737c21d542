import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Client, type Received } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const QUIET = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' };

let server: TestServer;
afterEach(() => server.stop());

const start = async (variables: Record<string, string> = {}): Promise<void> => {
  server = await startServer({ ...AUTH, ...QUIET, ...variables });
};

/** Opens a session of a user. */
const as = async (sub: string): Promise<Client> => connect(server.url, bearer(await token({ sub })));

const watch = (client: Client, user: string, id?: string): void =>
  client.send({ type: 'sys.watch', receiver: `@${user}`, id });

const presenceOf = async (client: Client): Promise<unknown> => (await client.next('sys.presence')).data;

describe('watching a user', () => {
  it('is answered with the presence of the user, then notifies of the first session and the end of the last', async () => {
    await start();
    const watcher = await as('wendy');
    watch(watcher, 'ann', 'w');
    expect(await watcher.next()).toEqual({
      type: 'sys.presence',
      sender: 'server',
      receiver: watcher.id,
      ref: 'w',
      data: { user: 'ann', online: false, sessions: 0 },
    });
    const first = await as('ann');
    expect(await watcher.next()).toEqual({
      type: 'sys.presence',
      sender: 'server',
      receiver: watcher.id,
      data: { user: 'ann', online: true, sessions: 1 },
    });
    const second = await as('ann');
    await first.close(1000);
    await as('bob');
    await watcher.settled();
    expect(watcher.inbox).toEqual([]);
    await second.close(1000);
    expect(await watcher.next()).toMatchObject({ data: { user: 'ann', online: false, sessions: 0 } });
    await as('ann');
    expect(await watcher.next()).toMatchObject({ data: { user: 'ann', online: true, sessions: 1 } });
    await watcher.settled();
    expect(watcher.inbox).toEqual([]);
  });

  it('is answered with the number of all sessions of the user, also without an id', async () => {
    await start();
    const [watcher] = [await as('wendy'), await as('ann'), await as('ann'), await as('wendy')];
    await watcher.settled();
    watch(watcher, 'ann');
    const answer = await watcher.next();
    expect(answer).toMatchObject({ type: 'sys.presence', data: { user: 'ann', online: true, sessions: 2 } });
    expect(answer).not.toHaveProperty('ref');
    watch(watcher, 'wendy');
    expect(await presenceOf(watcher)).toEqual({ user: 'wendy', online: true, sessions: 2 });
  });

  it('notifies each session that watches, and no other', async () => {
    await start();
    const [one, two, other] = [await as('one'), await as('one'), await as('other')];
    for (const client of [one, two]) {
      watch(client, 'ann', 'w');
      await client.next('sys.presence');
    }
    const ann = await as('ann');
    for (const client of [one, two]) expect(await presenceOf(client)).toMatchObject({ online: true });
    await ann.close(1000);
    for (const client of [one, two]) expect(await presenceOf(client)).toMatchObject({ online: false });
    for (const client of [one, two, other]) await client.settled();
    expect([one, two, other].map(({ inbox }) => inbox)).toEqual([[], [], []]);
  });

  it('twice is answered twice, and notifies once', async () => {
    await start();
    const watcher = await as('wendy');
    for (const id of ['1', '2']) {
      watch(watcher, 'ann', id);
      expect(await watcher.answer(id)).toMatchObject({ type: 'sys.presence', data: { online: false } });
    }
    await as('ann');
    expect(await presenceOf(watcher)).toMatchObject({ online: true });
    await watcher.settled();
    expect(watcher.inbox).toEqual([]);
  });

  it('ends with sys.unwatch, which is acknowledged where it has an id, also without a watch', async () => {
    await start();
    const watcher = await as('wendy');
    watch(watcher, 'ann', '1');
    for (const id of ['2', undefined, '3']) watcher.send({ type: 'sys.unwatch', receiver: '@ann', id });
    watcher.send({ type: 'sys.unwatch', receiver: '@bob', id: '4' });
    await watcher.settled();
    const unwatched = (ref: string) => ({
      type: 'sys.ack',
      sender: 'server',
      receiver: watcher.id,
      ref,
      data: { status: 'unwatched' },
    });
    expect(watcher.inbox.splice(0).slice(1)).toEqual([unwatched('2'), unwatched('3'), unwatched('4')]);
    await (await as('ann')).close(1000);
    await watcher.settled();
    expect(watcher.inbox).toEqual([]);
  });

  it('has its effect in the order of the requests', async () => {
    await start();
    const watcher = await as('wendy');
    for (let round = 0; round < 10; round++) {
      watch(watcher, 'ann', `w${round}`);
      watcher.send({ type: 'sys.unwatch', receiver: '@ann', id: `u${round}` });
    }
    watch(watcher, 'ann', 'last');
    await watcher.answer('last');
    const refs = watcher.inbox.splice(0).map(({ ref }) => ref);
    expect(refs).toEqual(Array.from({ length: 10 }, (_, round) => [`w${round}`, `u${round}`]).flat());
    await as('ann');
    expect(await presenceOf(watcher)).toMatchObject({ online: true });
  });

  it('is limited to MAX_WATCHES_PER_SESSION users', async () => {
    await start({ MAX_WATCHES_PER_SESSION: '2' });
    const watcher = await as('wendy');
    for (const user of ['ann', 'bob', 'ann']) {
      watch(watcher, user);
      await presenceOf(watcher);
    }
    watch(watcher, 'carol', 'c');
    expect(await watcher.answer('c')).toMatchObject({ type: 'sys.error', data: { code: 'too_many_watches' } });
    watcher.send({ type: 'sys.unwatch', receiver: '@ann' });
    watch(watcher, 'carol', 'c');
    expect(await watcher.answer('c')).toMatchObject({ type: 'sys.presence', data: { user: 'carol' } });
    const other = await as('wendy');
    watch(other, 'ann', 'a');
    expect((await other.answer('a')).type).toBe('sys.presence');
  });

  it.each(['jörg', 'a "quoted" \\ name', '漢字 😀', '#garden', '@ann', '*'])(
    'works for the user %j, whose name has other characters than those of a room',
    async (user) => {
      await start();
      const watcher = await as('wendy');
      watch(watcher, user, 'w');
      expect((await watcher.answer('w')).data).toEqual({ user, online: false, sessions: 0 });
      await as(user);
      expect(await presenceOf(watcher)).toEqual({ user, online: true, sessions: 1 });
    },
  );

  it.each(['sys.watch', 'sys.unwatch'])('is invalid without a user as the receiver: %s', async (type) => {
    await start();
    const watcher = await as('wendy');
    for (const receiver of [undefined, '@', '#garden', '*', 'ann', watcher.id]) {
      watcher.send({ type, receiver, id: 'i' });
      const { data, ...answer } = await watcher.answer('i');
      expect(answer.type).toBe('sys.error');
      expect(data).toMatchObject({
        code: 'invalid_message',
        message: expect.stringContaining('receiver') as string,
      });
    }
    watcher.send({ type, receiver: '@ann', data: { after: 1 }, id: 'd' });
    expect((await watcher.answer('d')).data).toMatchObject({ code: 'invalid_message' });
  });

  it('is forbidden with USERS=off', async () => {
    await start({ USERS: 'off' });
    const watcher = await as('wendy');
    watch(watcher, 'ann', 'w');
    expect(await watcher.next()).toMatchObject({ type: 'sys.error', ref: 'w', data: { code: 'forbidden' } });
    await as('ann');
    await watcher.settled();
    expect(watcher.inbox).toEqual([]);
  });

  it('notifies of the end of a user after its messages and its leaving of rooms, and before its departure', async () => {
    await start({ NOTICE_SCOPE: 'all', ARRIVAL_NOTICES: 'on' });
    const watcher = await as('wendy');
    const ann = await as('ann');
    for (const client of [watcher, ann]) {
      client.send({ type: 'sys.join', receiver: '#garden' });
      await client.next('sys.members');
    }
    watch(watcher, 'ann');
    await watcher.next('sys.presence');
    await watcher.settled(); // so that the node of ann knows this member
    ann.send({ type: 'm', receiver: watcher.id });
    ann.send({ type: 'm', receiver: '#garden' });
    ann.send({ type: 'm', receiver: '*' });
    ann.send({ type: 'm', receiver: '@wendy' });
    await ann.close(1000);
    const seen: Received[] = [];
    do seen.push(await watcher.next());
    while (seen.at(-1)?.type !== 'sys.departed');
    const types = seen
      .filter(({ sender, type }) => sender === ann.id || type === 'sys.presence')
      .map(({ type }) => type);
    expect(types.slice(0, 2)).toEqual(['sys.arrived', 'sys.joined']);
    expect(types.slice(2, 6)).toEqual(['m', 'm', 'm', 'm']);
    expect(types.slice(6)).toEqual(['sys.left', 'sys.presence', 'sys.departed']);
    expect(seen.at(-2)?.data).toEqual({ user: 'ann', online: false, sessions: 0 });
    await watcher.settled();
    expect(watcher.inbox).toEqual([]);
  });
});
