import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { errorOf, settle, sortedIds } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const OPTIONAL = { ...AUTH, AUTH: 'optional', ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' };

describe.each(['on', 'off'])('a message to a user (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let guest: Client;
  let anns: [Client, Client, Client];
  let bob: Client;
  const sessionOf = async (sub: string): Promise<Client> => server.connect(bearer(await token({ sub })));

  beforeEach(async () => {
    server = await startServer({ ...OPTIONAL, FAST_LANE });
    guest = await server.connect();
    anns = [await sessionOf('ann'), await sessionOf('ann'), await sessionOf('ann')];
    bob = await sessionOf('bob');
  });
  afterEach(() => server.stop());

  const inboxes = async (): Promise<unknown[]> => {
    const all = [guest, ...anns, bob];
    await settle(...all);
    return all.map(({ inbox }) => inbox.splice(0));
  };

  it('reaches all sessions of that user once, and is acknowledged once as routed with their number', async () => {
    guest.send({ type: 'chat', receiver: '@ann', data: { a: 1 }, id: '1' });
    const chat = { type: 'chat', sender: guest.id, receiver: '@ann', data: { a: 1 }, id: '1' };
    const ack = {
      type: 'sys.ack',
      sender: 'server',
      receiver: guest.id,
      ref: '1',
      data: { status: 'routed', sessions: 3 },
    };
    expect(await inboxes()).toEqual([[ack], [chat], [chat], [chat], []]);
  });

  it('is not acknowledged without an id', async () => {
    guest.send({ type: 'chat', receiver: '@bob' });
    expect(await inboxes()).toEqual([[], [], [], [], [{ type: 'chat', sender: guest.id, receiver: '@bob' }]]);
  });

  it('reaches the other sessions of its sender, and never the one that sends', async () => {
    const [one, two, three] = anns;
    two.send({ type: 'sync', receiver: '@ann', id: '1' });
    expect((await two.answer('1')).data).toEqual({ status: 'routed', sessions: 2 });
    const sync = { type: 'sync', sender: two.id, receiver: '@ann', id: '1' };
    await settle(...anns);
    expect([one, two, three].map(({ inbox }) => inbox)).toEqual([[sync], [], [sync]]);
  });

  it('is receiver_not_found where the user has no other session', async () => {
    for (const receiver of ['@nobody', '@Ann', '@an', '@annn', '@ann ', '@@ann', '@#garden'])
      expect((await errorOf(guest, 'chat', receiver)).code).toBe('receiver_not_found');
    expect((await errorOf(bob, 'chat', '@bob')).code).toBe('receiver_not_found');
    guest.send({ type: 'chat', receiver: '@nobody' });
    const [errors] = (await inboxes()) as [object[]];
    expect(errors).toMatchObject([{ type: 'sys.error', data: { code: 'receiver_not_found' } }]);
    expect(errors[0]).not.toHaveProperty('ref');
  });

  it('counts the sessions that are there, and is receiver_not_found once all have left', async () => {
    const sessions = async (): Promise<unknown> => {
      await settle(guest);
      guest.send({ type: 'chat', receiver: '@ann', id: 'n' });
      return (await guest.answer('n')).data;
    };
    for (const left of [2, 1]) {
      await anns[left]!.close();
      expect(await sessions()).toEqual({ status: 'routed', sessions: left });
    }
    const again = await sessionOf('ann');
    expect(await sessions()).toEqual({ status: 'routed', sessions: 2 });
    await Promise.all([again.close(), anns[0].close()]);
    expect(await sessions()).toMatchObject({ code: 'receiver_not_found' });
  });

  it('carries the data unchanged, with the sender of the server', async () => {
    const rest = '"type":"chat","receiver":"@bob","data":{"b":1.0,"2":[1e3,12345678901234567890],"1":"ü漢💩\\u0041"}';
    guest.sendText(`{${rest}}`);
    await bob.next('chat');
    expect(bob.frames.at(-1)).toBe(`{"sender":"${guest.id}",${rest}}`);
    guest.send({ type: 'chat', sender: anns[0].id, receiver: '@bob' });
    expect((await bob.next('chat')).sender).toBe(guest.id);
  });

  it('without a name is invalid_message, naming receiver', async () => {
    for (const receiver of ['@', `@${'x'.repeat(128)}`]) {
      const error = await errorOf(guest, 'chat', receiver);
      expect(error.code).toBe('invalid_message');
      expect(error.message).toContain('receiver');
    }
  });

  it('is forbidden with DIRECT_MESSAGES=off, and not with BROADCASTS=off', async () => {
    await server.stop();
    server = await startServer({ ...OPTIONAL, FAST_LANE, BROADCASTS: 'off' });
    await sessionOf('ann');
    let sender = await server.connect();
    sender.send({ type: 'chat', receiver: '@ann', id: '1' });
    expect((await sender.answer('1')).data).toEqual({ status: 'routed', sessions: 1 });
    await server.stop();
    server = await startServer({ ...OPTIONAL, FAST_LANE, DIRECT_MESSAGES: 'off' });
    await sessionOf('ann');
    sender = await server.connect();
    expect((await errorOf(sender, 'chat', '@ann')).code).toBe('forbidden');
  });
});

describe.each(['on', 'off'])('names of users (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let guest: Client;

  beforeAll(async () => {
    server = await startServer({ ...OPTIONAL, FAST_LANE });
    guest = await server.connect();
  });
  afterAll(() => server.stop());

  const reaches = async (name: string, sub: string | number): Promise<void> => {
    const jwt = typeof sub === 'string' ? await token({ sub }) : await token({ sub: '', claims: { sub } });
    const user = await server.connect(bearer(jwt));
    guest.send({ type: 'chat', receiver: `@${name}`, id: 'u' });
    expect((await guest.answer('u')).data).toEqual({ status: 'routed', sessions: 1 });
    expect(await user.next('chat')).toEqual({ type: 'chat', sender: guest.id, receiver: `@${name}`, id: 'u' });
    const quoted = JSON.stringify(name).slice(1, -1);
    guest.sendText(`{"type":"chat","receiver":"\\u0040${quoted}","id":"e"}`);
    expect((await guest.answer('e')).data).toEqual({ status: 'routed', sessions: 1 });
    expect((await user.next('chat')).receiver).toBe(`@${name}`);
    await user.close();
  };

  it.each([
    'Zoë',
    '漢字',
    '💩 and spaces',
    'a"quoted\\name',
    '#garden',
    '@ann',
    '*',
    'auth0|0123456789abcdef',
    'https://idp.test/users/7',
    '__proto__',
    'constructor',
    ' ',
    'x'.repeat(127),
  ])('may be any text: %j', (sub) => reaches(sub, sub));

  it.each([42, 0, -7, 9_007_199_254_740_991])('that are numbers are their decimal text: %i', (sub) =>
    reaches(String(sub), sub),
  );

  it('are the same for a number and its text', async () => {
    await server.connect(bearer(await token({ sub: '7' })));
    await server.connect(bearer(await token({ sub: '', claims: { sub: 7 } })));
    guest.send({ type: 'chat', receiver: '@7', id: 'n' });
    expect((await guest.answer('n')).data).toEqual({ status: 'routed', sessions: 2 });
  });
});

describe('sys.who of a user', () => {
  let server: TestServer;
  let guest: Client;
  let ids: string[];
  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    server = await startServer({ ...OPTIONAL, MAX_CONNECTIONS_PER_USER: '0', ...variables });
    guest = await server.connect();
    const jwt = await token({ sub: 'Zoë' });
    const anns = await Promise.all(Array.from({ length: 12 }, () => server.connect(bearer(jwt))));
    await server.connect(bearer(await token({ sub: 'bob' })));
    ids = sortedIds(...anns);
  };
  afterEach(() => server.stop());

  const who = async (receiver: string, data?: object): Promise<Client['welcome']> => {
    guest.send({ type: 'sys.who', receiver, id: 'w', ...(data && { data }) });
    return guest.answer('w');
  };

  it('is answered with the sessions of that user, in order', async () => {
    await start();
    expect(await who('@Zoë')).toEqual({
      type: 'sys.sessions',
      sender: 'server',
      receiver: guest.id,
      ref: 'w',
      data: { sessions: ids, total: 12 },
    });
    guest.send({ type: 'sys.who', receiver: '@Zoë' });
    expect(await guest.next('sys.sessions')).not.toHaveProperty('ref');
    expect((await who('@nobody')).data).toEqual({ sessions: [], total: 0 });
  });

  it.each([1, 5, 11])('is paged by after and limit %i without gaps or repetitions', async (limit) => {
    await start();
    const seen: string[] = [];
    for (let after: string | undefined; ;) {
      const { sessions, total, next } = (await who('@Zoë', { limit, ...(after !== undefined && { after }) })).data;
      expect(total).toBe(12);
      seen.push(...sessions);
      if (next === undefined) break;
      after = next;
    }
    expect(seen).toEqual(ids);
  });

  it('has entries with the user where the operator shows users', async () => {
    await start({ SHOW_USERS: 'on' });
    expect((await who('@Zoë')).data).toEqual({ sessions: ids.map((id) => ({ id, user: 'Zoë' })), total: 12 });
  });

  it('is invalid_message where the receiver or the data is invalid', async () => {
    await start();
    expect((await who('@')).data).toMatchObject({ code: 'invalid_message' });
    const { data } = await who('@Zoë', { limit: 0 });
    expect(data.code).toBe('invalid_message');
    expect(data.message).toContain('limit');
  });
});
