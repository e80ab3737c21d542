import { afterEach, describe, expect, it } from 'vitest';
import { keepLogLines } from '../support/log-lines.js';
import {
  connectAs,
  fail,
  OFF,
  outcome,
  policyOf,
  putInto,
  renew,
  roomIndex,
  sessionOf,
  TestPolicyModule,
  WITH_TOKENS,
} from '../support/permissions.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
afterEach(() => server.stop());

/** A claim with all rights for these rooms. */
const claim = (...rooms: string[]) => ({
  rooms: Object.fromEntries(rooms.map((room) => [room, ['join', 'send', 'see']])),
  users: { bob: ['see'] },
});

describe('a renewed token', () => {
  it('takes the session out of the rooms that its claim no longer allows', async () => {
    server = await startServer({ ...WITH_TOKENS, ...OFF });
    const [bob, ann] = [
      await connectAs(server, 'bob', claim('a', 'b', 'c')),
      await connectAs(server, 'ann', claim('a', 'b', 'c')),
    ];
    for (const room of ['#a', '#b', '#c'])
      for (const client of [bob, ann]) expect(await outcome(client, 'sys.join', room)).toBe('yes');
    expect(await renew(ann, 'ann', claim('b'))).toBe('sys.ack');
    for (const client of [ann, bob])
      for (const receiver of ['#a', '#c'])
        expect(await client.next('sys.left')).toMatchObject({ sender: ann.id, receiver, data: {} });
    expect(await outcome(ann, 'chat', '#b')).toBe('yes');
    expect(await outcome(ann, 'chat', '#a')).toBe('forbidden');
    expect(await outcome(ann, 'sys.join', '#a')).toBe('forbidden');
    expect(await renew(ann, 'ann', claim('a'))).toBe('sys.ack');
    expect(await ann.next('sys.left')).toMatchObject({ sender: ann.id, receiver: '#b' });
    expect(await outcome(ann, 'sys.join', '#a')).toBe('yes');
  });

  it('ends the watches that its claim no longer allows', async () => {
    server = await startServer({ ...WITH_TOKENS, ...OFF });
    const ann = await connectAs(server, 'ann', claim());
    expect(await outcome(ann, 'sys.watch', '@bob')).toBe('yes');
    expect(await renew(ann, 'ann', {})).toBe('sys.ack');
    const { data, ref } = await ann.next('sys.error');
    expect([(data as { code: string }).code, ref]).toEqual(['forbidden', undefined]);
    await connectAs(server, 'bob');
    await ann.settled();
    expect(ann.inbox).toEqual([]);
  });

  it('with a claim in place of the settings, or without one, takes effect at once', async () => {
    server = await startServer({ ...WITH_TOKENS, ROOMS: 'open' });
    const ann = await connectAs(server, 'ann');
    for (const room of ['#a', '#b']) expect(await outcome(ann, 'sys.join', room)).toBe('yes');
    expect(await renew(ann, 'ann', claim('a'))).toBe('sys.ack');
    expect((await ann.next('sys.left')).receiver).toBe('#b');
    expect(await renew(ann, 'ann')).toBe('sys.ack');
    expect(await outcome(ann, 'sys.join', '#b')).toBe('yes');
    expect(ann.inbox).toEqual([]);
  });

  it('keeps the rooms into which server code has put the session', async () => {
    server = await startServer({ ...WITH_TOKENS, ...OFF });
    const ann = await connectAs(server, 'ann');
    await putInto(server, ann, 'garden');
    for (const each of [undefined, claim('garden'), {}]) expect(await renew(ann, 'ann', each)).toBe('sys.ack');
    expect(roomIndex(server).roomsOf(sessionOf(server, ann))).toEqual(['garden']);
  });

  it('keeps a room of the session for server code only until the session leaves it', async () => {
    server = await startServer({ ...WITH_TOKENS, ...OFF });
    const ann = await connectAs(server, 'ann', claim('garden'));
    await putInto(server, ann, 'garden');
    expect(await outcome(ann, 'sys.leave', '#garden')).toBe('yes');
    expect(await outcome(ann, 'sys.join', '#garden')).toBe('yes');
    expect(await renew(ann, 'ann', {})).toBe('sys.ack');
    expect(roomIndex(server).roomsOf(sessionOf(server, ann))).toEqual([]);
    expect(await renew(ann, 'ann', claim('garden'))).toBe('sys.ack');
    expect(await outcome(ann, 'sys.join', '#garden')).toBe('yes');
    await putInto(server, ann, 'garden');
    expect(await renew(ann, 'ann', {})).toBe('sys.ack');
    expect(roomIndex(server).roomsOf(sessionOf(server, ann))).toEqual(['garden']);
  });

  it('of another user changes nothing', async () => {
    server = await startServer({ ...WITH_TOKENS, ...OFF });
    const ann = await connectAs(server, 'ann', claim('a'));
    expect(await outcome(ann, 'sys.join', '#a')).toBe('yes');
    expect(await renew(ann, 'bob', {})).toBe('sys.error');
    expect(await outcome(ann, 'chat', '#a')).toBe('yes');
    expect(ann.inbox).toEqual([]);
  });
});

describe('a policy, when a token is renewed,', () => {
  const lines = keepLogLines();

  it('is not asked about the rooms into which server code has put the session', async () => {
    server = await startServer({ ...WITH_TOKENS, ...OFF }, [TestPolicyModule]);
    const policy = policyOf(server);
    const ann = await connectAs(server, 'ann');
    policy.verdicts.set('mayJoin garden', () => false);
    await putInto(server, ann, 'garden');
    expect(await renew(ann, 'ann')).toBe('sys.ack');
    expect([policy.asked, ann.inbox]).toEqual([[], []]);
    expect(roomIndex(server).roomsOf(sessionOf(server, ann))).toEqual(['garden']);
  });

  it('is asked before server code puts the session into the room, and decides nothing after that', async () => {
    server = await startServer({ ...WITH_TOKENS, ...OFF }, [TestPolicyModule]);
    const ann = await connectAs(server, 'ann');
    expect(await outcome(ann, 'sys.join', '#garden')).toBe('yes');
    policyOf(server).verdicts.set('mayJoin garden', async () => {
      await putInto(server, ann, 'garden');
      return false;
    });
    expect(await renew(ann, 'ann')).toBe('sys.ack');
    expect(roomIndex(server).roomsOf(sessionOf(server, ann))).toEqual(['garden']);
  });

  it.each<[string, () => unknown, string | undefined]>([
    ['a no', () => false, undefined],
    ['a promise of a no', async () => false, undefined],
    ['an exception', () => fail(new Error('a fault')), 'a fault'],
    ['a rejection', async () => fail(new Error('a fault')), 'a fault'],
    ['a word', () => 'yes', 'TestPolicy.mayJoin returned yes'],
    ['a promise that does not settle', () => new Promise(() => undefined), 'exceeded HANDLER_TIMEOUT_MS'],
  ])('takes the session out of the rooms for which it answers with %s', async (_, verdict, logged) => {
    server = await startServer({ ...WITH_TOKENS, ...OFF, HANDLER_TIMEOUT_MS: '50' }, [TestPolicyModule]);
    const policy = policyOf(server);
    const [ann, bob] = [await connectAs(server, 'ann', {}), await connectAs(server, 'bob', {})];
    for (const room of ['#garden', '#lake'])
      for (const client of [ann, bob]) expect(await outcome(client, 'sys.join', room)).toBe('yes');
    policy.asked.length = 0;
    policy.verdicts.set('mayJoin lake', verdict);
    expect(await renew(ann, 'ann', {})).toBe('sys.ack');
    for (const client of [ann, bob])
      expect(await client.next('sys.left')).toMatchObject({ sender: ann.id, receiver: '#lake', data: {} });
    expect(policy.asked.toSorted()).toEqual(['ann mayJoin garden', 'ann mayJoin lake']);
    expect(roomIndex(server).roomsOf(sessionOf(server, ann))).toEqual(['garden']);
    expect(await outcome(ann, 'chat', '#lake')).toBe('not_joined');
    expect(await outcome(ann, 'chat', '#garden')).toBe('yes');
    if (logged === undefined) expect(lines).toEqual([]);
    else expect(lines.join('')).toContain(logged);
  });
});
