import { Injectable, Module } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { AccessPolicy } from '../../src/messaging/access-policy.js';
import type { Session } from '../../src/sessions/session.js';
import { keepLogLines } from '../support/log-lines.js';
import { connectAs, OFF, OPEN, outcome, putInto, WITH_TOKENS } from '../support/permissions.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
afterEach(() => server.stop());

const ACCESS_BY_SETTING = [
  ['open', '', 'yes'],
  ['open', 'ann', 'yes'],
  ['token', '', 'forbidden'],
  ['token', 'ann', 'yes'],
  ['off', '', 'forbidden'],
  ['off', 'ann', 'forbidden'],
] as const;

describe('without a policy and a claim', () => {
  it.each(ACCESS_BY_SETTING)('ROOMS=%s decides about rooms for the user "%s": %s', async (ROOMS, user, expected) => {
    await startWith({ ROOMS, USERS: 'open' });
    const [client] = [await connectAs(server, user), await connectAs(server, 'bob')];
    await putInto(server, client, 'garden');
    expect(await outcome(client, 'sys.join', '#lake')).toBe(expected);
    expect(await outcome(client, 'sys.who', '#garden')).toBe(expected);
    expect(await outcome(client, 'chat', '#garden')).toBe(expected);
    for (const type of ['sys.who', 'sys.watch', 'chat']) expect(await outcome(client, type, '@bob')).toBe('yes');
    expect(await outcome(client, 'sys.leave', '#garden')).toBe('yes');
  });

  it.each(ACCESS_BY_SETTING)('USERS=%s decides about users for the user "%s": %s', async (USERS, user, expected) => {
    await startWith({ ROOMS: 'open', USERS });
    const [client] = [await connectAs(server, user), await connectAs(server, 'bob')];
    for (const type of ['sys.who', 'sys.watch', 'chat']) expect(await outcome(client, type, '@bob')).toBe(expected);
    for (const type of ['sys.join', 'sys.who', 'chat']) expect(await outcome(client, type, '#garden')).toBe('yes');
  });

  it('DIRECT_MESSAGES=off forbids messages to both, and nothing else', async () => {
    await startWith({ ...OPEN, DIRECT_MESSAGES: 'off' });
    const [ann] = [await connectAs(server, 'ann'), await connectAs(server, 'bob')];
    for (const receiver of ['#garden', '@bob']) {
      expect(await outcome(ann, 'chat', receiver)).toBe('forbidden');
      expect(await outcome(ann, 'sys.who', receiver)).toBe('yes');
    }
    expect(await outcome(ann, 'sys.join', '#garden')).toBe('yes');
    expect(await outcome(ann, 'chat', '#garden')).toBe('forbidden');
  });
});

describe('the claim switchboard', () => {
  const CLAIM = {
    rooms: { 'project.*': ['join', 'send', 'see'], news: ['join'], 'project.9': [], 'forum.*': ['see', 'send'] },
    users: { bob: ['send', 'see'], 'c*': ['see'], dan: ['send'] },
  };
  const lines = keepLogLines();

  describe.each([OPEN, OFF])('decides before the settings %j', (settings) => {
    it.each([
      ['#project.1', { 'sys.join': 'yes', 'sys.who': 'yes', chat: 'yes' }],
      ['#project.9', { 'sys.join': 'forbidden', 'sys.who': 'forbidden', chat: 'forbidden' }],
      ['#news', { 'sys.join': 'yes', 'sys.who': 'forbidden', chat: 'forbidden' }],
      ['#forum.1', { 'sys.join': 'forbidden', 'sys.who': 'yes', chat: 'yes' }],
      ['#lake', { 'sys.join': 'forbidden', 'sys.who': 'forbidden', chat: 'forbidden' }],
      ['@bob', { 'sys.who': 'yes', 'sys.watch': 'yes', chat: 'yes' }],
      ['@carol', { 'sys.who': 'yes', 'sys.watch': 'yes', chat: 'forbidden' }],
      ['@dan', { 'sys.who': 'forbidden', 'sys.watch': 'forbidden', chat: 'yes' }],
      ['@eve', { 'sys.who': 'forbidden', 'sys.watch': 'forbidden', chat: 'forbidden' }],
    ])('%s: %j', async (target, expected) => {
      await startWith(settings);
      const [ann] = [await connectAs(server, 'ann', CLAIM), await connectAs(server, target.slice(1))];
      const outcomes: Record<string, string> = {};
      for (const type of Object.keys(expected)) {
        outcomes[type] = await outcome(ann, type, target);
        // Only members send to a room.
        if (type === 'sys.join') await putInto(server, ann, target.slice(1));
      }
      expect(outcomes).toEqual(expected);
    });
  });

  it('is that of each session', async () => {
    await startWith(OFF);
    const claims = [{ rooms: { a: ['join'] } }, { rooms: {} }, {}];
    const outcomes = [];
    for (const claim of claims) outcomes.push(await outcome(await connectAs(server, 'ann', claim), 'sys.join', '#a'));
    expect(outcomes).toEqual(['yes', 'forbidden', 'forbidden']);
  });

  it('grants nothing where it is malformed, and the log names the part once', async () => {
    await startWith({ ...OPEN, LOG_LEVEL: 'warn' });
    const ann = await connectAs(server, 'ann', { rooms: { garden: 'join', lake: ['join'] } });
    const bob = await connectAs(server, 'bob', 'everything');
    for (let time = 0; time < 2; time++) {
      expect(await outcome(ann, 'sys.join', '#garden')).toBe('forbidden');
      expect(await outcome(ann, 'sys.join', '#lake')).toBe('yes');
      expect(await outcome(bob, 'chat', '@ann')).toBe('forbidden');
    }
    const logged = lines.filter((line) => line.includes('malformed claim switchboard'));
    expect(logged).toHaveLength(2);
    expect(logged[0]).toContain(ann.id);
    expect(logged[0]).toContain('must be a list of join, send, see');
    expect(logged[1]).toContain('it must be an object');
    expect(logged.join('')).not.toContain('everything');
  });
});

describe('a policy that only decides about sending', () => {
  @Injectable()
  class SendPolicy extends AccessPolicy {
    override maySend(_: Session, receiver: string): boolean {
      return receiver !== '#lake';
    }
  }
  @Module({ providers: [SendPolicy] })
  class SendPolicyModule {}

  it('leaves joining and seeing to the claim and the settings', async () => {
    server = await startServer({ ...WITH_TOKENS, ROOMS: 'off', USERS: 'open' }, [SendPolicyModule]);
    const ann = await connectAs(server, 'ann', { rooms: { garden: ['join'] } });
    const bob = await connectAs(server, 'bob');
    expect(await outcome(ann, 'sys.join', '#garden')).toBe('yes');
    expect(await outcome(ann, 'sys.who', '#garden')).toBe('forbidden');
    expect(await outcome(ann, 'chat', '#garden')).toBe('yes');
    expect(await outcome(bob, 'sys.join', '#garden')).toBe('forbidden');
    expect(await outcome(bob, 'sys.who', '@ann')).toBe('yes');
    expect(await outcome(bob, 'chat', '@ann')).toBe('yes');
    await putInto(server, bob, 'lake');
    expect(await outcome(bob, 'chat', '#lake')).toBe('forbidden');
    expect(await outcome(bob, 'chat', '#garden')).toBe('not_joined');
  });
});

async function startWith(variables: Record<string, string>): Promise<void> {
  server = await startServer({ ...WITH_TOKENS, ...variables });
}
