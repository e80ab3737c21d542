import { WsException } from '@nestjs/websockets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { Deferred } from '../support/deferred.js';
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
  type TestPolicy,
} from '../support/permissions.js';
import { startServer, type TestServer } from '../support/server.js';

/** Questions to a policy: the request or message, its receiver, and what the policy is asked. */
const QUESTIONS = [
  ['sys.join', '#garden', 'mayJoin garden'],
  ['sys.who', '#garden', 'maySee #garden'],
  ['sys.who', '@bob', 'maySee @bob'],
  ['sys.watch', '@bob', 'maySee @bob'],
  ['chat', '#garden', 'maySend #garden'],
  ['chat', '@bob', 'maySend @bob'],
] as const;
const NOT_FOR_ME = (): WsException => new WsException({ code: 'members_only', message: 'Pay first.' });

describe.each(['on', 'off'])('a policy about rooms and users (FAST_LANE=%s)', (FAST_LANE) => {
  const lines = keepLogLines();
  let server: TestServer;
  let policy: TestPolicy;
  let ann: Client;
  let bob: Client;

  const begin = async (variables: Record<string, string>): Promise<void> => {
    server = await startServer({ ...WITH_TOKENS, ...OFF, FAST_LANE, ...variables }, [TestPolicyModule]);
    policy = policyOf(server);
    // The claim grants nothing, so that each yes is one of the policy.
    [ann, bob] = [await connectAs(server, 'ann', {}), await connectAs(server, 'bob', {})];
  };
  beforeEach(() => begin({}));
  afterEach(() => server.stop());

  it('decides before the claim and the settings', async () => {
    for (const [type, receiver] of QUESTIONS) expect(await outcome(ann, type, receiver)).toBe('yes');
    expect(policy.asked).toEqual(QUESTIONS.map(([, , question]) => `ann ${question}`));
    expect(await outcome(ann, 'sys.leave', '#garden')).toBe('yes');
    for (const [type, receiver, question] of QUESTIONS) {
      policy.verdicts.set(question, () => false);
      expect([type, receiver, await outcome(ann, type, receiver)]).toEqual([type, receiver, 'forbidden']);
    }
  });

  it.each<[string, () => unknown, string]>([
    ['a promise of a yes', async () => true, 'yes'],
    ['a promise of a no', async () => false, 'forbidden'],
    ['a promise of a word', async () => 'yes', 'internal_error'],
    ['a word', () => 'yes', 'internal_error'],
    ['nothing', () => undefined, 'internal_error'],
    ['an exception', () => fail(new Error('a secret')), 'internal_error'],
    ['a rejection', async () => fail(new Error('a secret')), 'internal_error'],
    ['an exception with a code', () => fail(NOT_FOR_ME()), 'members_only'],
    ['a rejection with a code', async () => fail(NOT_FOR_ME()), 'members_only'],
  ])('answers about join and see with %s', async (_, verdict, expected) => {
    for (const [type, receiver, question] of QUESTIONS.slice(0, 4)) {
      policy.verdicts.set(question, verdict);
      expect([type, receiver, await outcome(ann, type, receiver)]).toEqual([type, receiver, expected]);
      expect(ann.frames.at(-1)).not.toContain('a secret');
      if (expected !== 'internal_error') continue;
      const { data } = JSON.parse(ann.frames.at(-1)!) as { data: { incident: string } };
      expect(lines.some((line) => line.includes(data.incident))).toBe(true);
    }
    expect(roomIndex(server).size('garden')).toBe(expected === 'yes' ? 1 : 0);
  });

  it('that does not answer in time is an internal_error, and its late yes has no effect', async () => {
    await server.stop();
    await begin({ HANDLER_TIMEOUT_MS: '30' });
    const verdict = new Deferred<boolean>();
    for (const [type, receiver, question] of QUESTIONS.slice(0, 4)) {
      policy.verdicts.set(question, () => verdict.promise);
      expect([type, receiver, await outcome(ann, type, receiver)]).toEqual([type, receiver, 'internal_error']);
    }
    expect(lines.join('')).toContain('AccessPolicy.mayJoin exceeded HANDLER_TIMEOUT_MS, 30 ms');
    verdict.resolve(true);
    await ann.settled();
    expect(roomIndex(server).size('garden')).toBe(0);
    expect(ann.inbox).toEqual([]);
  });

  it('is asked anew where the token was renewed before it has answered', async () => {
    const verdict = new Deferred<boolean>();
    policy.verdicts.set('mayJoin garden', () => verdict.promise);
    ann.send({ type: 'sys.join', receiver: '#garden', id: 'join' });
    expect(await renew(ann, 'ann', { rooms: {} })).toBe('sys.ack');
    policy.verdicts.set('mayJoin garden', () => false);
    verdict.resolve(true);
    expect(await ann.answer('join')).toMatchObject({ type: 'sys.error', data: { code: 'forbidden' } });
    expect(policy.asked).toEqual(['ann mayJoin garden', 'ann mayJoin garden']);
  });

  it.each(QUESTIONS.slice(0, 4))(
    'about %s to %s never decides by an old token, whenever another one takes its place',
    async (type, receiver, question) => {
      const session = sessionOf(server, ann);
      for (let steps = 0; steps < 12; steps++) {
        const verdict = new Deferred<boolean>();
        const { claims } = session;
        policy.verdicts.set(question, () => (session.claims === claims ? verdict.promise : false));
        ann.send({ type, receiver, id: `${steps}` });
        await expect.poll(() => policy.asked.splice(0)).toEqual([`ann ${question}`]);
        verdict.resolve(true);
        for (let step = 0; step < steps; step++) await Promise.resolve();
        session.identity.claims = {};
        const wasMember = roomIndex(server).isMember(session, 'garden');
        const answer = await ann.answer(`${steps}`);
        // Asked once: decided before the new token. Asked twice: the new token decides.
        const isNew = policy.asked.splice(0).length > 0;
        expect([steps, answer.type === 'sys.error', isNew]).toEqual([steps, isNew, isNew]);
        if (type === 'sys.join') expect(wasMember).toBe(!isNew);
        await outcome(ann, 'sys.leave', '#garden');
      }
    },
  );

  it('alone lets sessions send to a room from outside', async () => {
    await putInto(server, bob, 'garden');
    expect(await outcome(ann, 'chat', '#garden')).toBe('not_joined');
    policy.verdicts.set('maySendFromOutside garden', () => true);
    expect(await outcome(ann, 'chat', '#garden')).toBe('yes');
    expect(await bob.next('chat')).toMatchObject({ sender: ann.id, receiver: '#garden' });
    for (const verdict of [async () => true, () => 'yes', () => fail(new Error('a fault'))]) {
      policy.verdicts.set('maySendFromOutside garden', verdict);
      expect(await outcome(ann, 'chat', '#garden')).toBe('internal_error');
    }
    policy.verdicts.set('maySend #garden', () => false);
    expect(await outcome(ann, 'chat', '#garden')).toBe('forbidden');
    await bob.settled();
    expect(bob.inbox).toEqual([]);
  });

  it('is not asked again about a room or a user for which its answer is remembered', async () => {
    for (const client of [ann, bob]) await putInto(server, client, 'garden');
    for (const question of ['maySend #garden', 'maySend @bob']) policy.verdicts.set(question, () => 'always');
    for (let time = 0; time < 3; time++)
      for (const receiver of ['#garden', '@bob']) expect(await outcome(ann, 'chat', receiver)).toBe('yes');
    expect(policy.asked).toEqual(['ann maySend #garden', 'ann maySend @bob']);
    await bob.settled();
    expect(bob.inbox.map(({ receiver }) => receiver)).toEqual([
      '#garden',
      '@bob',
      '#garden',
      '@bob',
      '#garden',
      '@bob',
    ]);
    expect(await outcome(ann, 'sys.leave', '#garden')).toBe('yes');
    expect(await outcome(ann, 'chat', '#garden')).toBe('not_joined');
  });
});
