import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { GroupPermissions } from '../../src/groups/group-permissions.js';
import type { UserIndex } from '../../src/groups/user-index.js';
import { NoticeLog } from '../../src/messaging/notice-log.js';
import { SessionDirectory } from '../../src/messaging/session-directory.js';
import { SystemRequestHandler } from '../../src/messaging/system-request-handler.js';
import { PresenceNotices } from '../../src/presence/presence-notices.js';
import { Presence } from '../../src/presence/presence.js';
import { MAX_WAITING_CALLS, MessageError, textFrame } from '../../src/protocol/index.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import { readSettings } from '../../src/settings/environment.js';
import { Log } from '../../src/telemetry/log.js';
import { Deferred } from '../support/deferred.js';
import { kept, makeResumable } from '../support/resumable.js';
import { newRegistry, openSession, type FakeSession } from '../support/sessions.js';

const SETTINGS = readSettings({ MAX_WATCHES_PER_SESSION: '3', ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' });

/** Counts the sessions of users as the test says. */
class FakeUsers {
  readonly #counts = new Map<string, number>();
  #listener: (user: string, sessions: number) => void = () => undefined;

  onPresence(listener: (user: string, sessions: number) => void): void {
    this.#listener = listener;
  }

  count(user: string): number {
    return this.#counts.get(user) ?? 0;
  }

  change(user: string, sessions: number): void {
    this.#counts.set(user, sessions);
    this.#listener(user, sessions);
  }
}

/** Decides as the test says; allows all by default. */
class FakePermissions {
  verdicts: (target: string) => boolean | Promise<boolean> = () => true;

  maySee(_: unknown, target: string): boolean | Promise<boolean> {
    return this.verdicts(target);
  }
}

describe('watching users', () => {
  let registry: SessionRegistry;
  let users: FakeUsers;
  let permissions: FakePermissions;
  let notices: PresenceNotices;
  let presence: Presence;
  let requests: SystemRequestHandler;
  let ann: FakeSession;
  let logged: string[];
  /** Outcomes of requests that were not answered at once. */
  let pending: Promise<void>[];

  beforeEach(() => {
    registry = newRegistry({ OUTBOX_HIGH_WATER_BYTES: '65536' });
    pending = [];
    users = new FakeUsers();
    permissions = new FakePermissions();
    const noticeLog = new NoticeLog(registry, SETTINGS);
    requests = new SystemRequestHandler(new SessionDirectory(registry), SETTINGS);
    notices = new PresenceNotices(users as unknown as UserIndex, noticeLog, registry, SETTINGS);
    logged = [];
    const log = new Log(SETTINGS, { writeLine: (level, message) => void logged.push(`${level} ${message}`) });
    presence = new Presence(notices, permissions as unknown as GroupPermissions, log, requests);
    ann = openSession(registry);
  });

  const ask = (type: string, user: string, id?: string, { session } = ann): void => {
    const outcome = requests.answer(session, { type, id, receiver: `@${user}`, data: undefined });
    if (outcome !== undefined) pending.push(outcome);
  };
  const watch = (user: string, id?: string, by = ann): void => ask('sys.watch', user, id, by);

  /** Returns the messages of a session behind its welcome: type, reference, and user with sessions, status or code. */
  const received = ({ session, connection } = ann): string[] => {
    session.outbox.flushAll();
    return connection.envelopes.slice(1).map(({ type, ref, data }) => {
      const { user, sessions, status, code } = data as Record<string, unknown>;
      const rest = type === 'sys.presence' ? `${String(user)} ${String(sessions)}` : String(status ?? code);
      return [type.replace('sys.', ''), ref ?? '-', rest].join(' ');
    });
  };

  const codeOf = (outcome: () => unknown): string => {
    try {
      outcome();
    } catch (error) {
      if (error instanceof MessageError) return `${error.code} ${error.ref ?? '-'}`;
      throw error;
    }
    return 'none';
  };

  it('is answered by the presence of the user, and followed by each change between none and some', () => {
    watch('bob', 'w');
    users.change('bob', 1);
    users.change('bob', 0);
    users.change('carol', 1);
    watch('carol');
    expect(received()).toEqual(['presence w bob 0', 'presence - bob 1', 'presence - bob 0', 'presence - carol 1']);
    expect(ann.connection.envelopes[2]).toEqual({
      type: 'sys.presence',
      sender: 'server',
      receiver: ann.session.id,
      data: { user: 'bob', online: true, sessions: 1 },
    });
  });

  it('notifies each of many watchers under its own id, whatever the name of the user', () => {
    const others = Array.from({ length: 20 }, () => openSession(registry));
    const name = `?"\\é ${'?'.repeat(60)}`;
    for (const each of others) watch(name, undefined, each);
    users.change(name, 2);
    for (const { session, connection } of others) {
      session.outbox.flushAll();
      expect(connection.envelopes.at(-1)).toEqual({
        type: 'sys.presence',
        sender: 'server',
        receiver: session.id,
        data: { user: name, online: true, sessions: 2 },
      });
    }
  });

  it('is watched on by a session that is away, until the session ends', () => {
    const { session, connection } = ann;
    makeResumable(session, 1700);
    watch('bob');
    registry.lose(session, connection, 1006);
    for (const sessions of [1, 0]) users.change('bob', sessions);
    watch('x'.repeat(700));
    users.change('x'.repeat(700), 1); // does not fit
    users.change('bob', 1);
    const counts = kept(session).map(({ type, data }) => [type, type === 'sys.gap' ? data.notices : data.sessions]);
    expect(counts).toEqual([
      ['sys.presence', 0],
      ['sys.presence', 1],
      ['sys.presence', 0],
      ['sys.presence', 0],
      ['sys.gap', 1],
      ['sys.presence', 1],
    ]);
    registry.end(session, 1006);
    users.change('bob', 0);
    expect(kept(session)).toHaveLength(counts.length);
  });

  it('is one watch where it is asked for twice, and ends with sys.unwatch', () => {
    for (const id of ['1', '2']) watch('bob', id);
    users.change('bob', 1);
    ask('sys.unwatch', 'bob', '3');
    ask('sys.unwatch', 'bob', '4');
    ask('sys.unwatch', 'carol');
    users.change('bob', 0);
    expect(received()).toEqual([
      'presence 1 bob 0',
      'presence 2 bob 0',
      'presence - bob 1',
      'ack 3 unwatched',
      'ack 4 unwatched',
    ]);
  });

  it('counts the notices that a session misses while it reads too slowly, and sends each answer', async () => {
    watch('bob');
    ann.connection.sink.stalled = true;
    while (!ann.session.outbox.overloaded) {
      ann.session.send(textFrame(JSON.stringify({ type: 'long', data: { status: 'x'.repeat(30_000) } })));
      await turn();
    }
    for (const sessions of [1, 0, 1]) users.change('bob', sessions);
    watch('bob', 'w');
    users.change('bob', 0);
    ann.connection.sink.resume();
    for (let count = 0; count < 3; count++) await turn();
    users.change('bob', 2);
    expect(received().filter((each) => !each.includes('x'))).toEqual([
      'presence - bob 0',
      'gap - undefined',
      'presence w bob 1',
      'gap - undefined',
      'presence - bob 2',
    ]);
    const gaps = ann.connection.envelopes.filter(({ type }) => type === 'sys.gap').map(({ data }) => data);
    expect(gaps).toEqual([
      { messages: 0, notices: 3 },
      { messages: 0, notices: 1 },
    ]);
  });

  it('is limited for each session', () => {
    for (const user of ['a', 'b', 'c', 'a']) watch(user);
    expect(codeOf(() => watch('d', 'd'))).toBe('too_many_watches d');
    ask('sys.unwatch', 'a');
    expect(codeOf(() => watch('d'))).toBe('none');
  });

  it('ends with the session', () => {
    watch('bob');
    registry.end(ann.session, 1000);
    expect(notices.watches.watchersOf('bob')).toBeUndefined();
    users.change('bob', 1);
    expect(received()).toEqual(['presence - bob 0']);
  });

  it('is refused where the session may not see the user', async () => {
    permissions.verdicts = () => false;
    expect(codeOf(() => watch('bob', 'w'))).toBe('forbidden w');
    permissions.verdicts = async () => false;
    watch('bob', 'w');
    await expect(pending[0]).rejects.toMatchObject({ code: 'forbidden', ref: 'w' });
    expect(notices.watches.usersOf(ann.session)).toEqual([]);
  });

  it('fails as the policy does', async () => {
    permissions.verdicts = () => Promise.reject(new Error('policy'));
    watch('bob', 'w');
    await expect(pending[0]).rejects.toThrow('policy');
    expect(notices.watches.usersOf(ann.session)).toEqual([]);
  });

  it.each([
    ['@', undefined, 'receiver'],
    ['#garden', undefined, 'receiver'],
    ['ann', undefined, 'receiver'],
    [undefined, undefined, 'receiver'],
    ['@bob', '1', 'data'],
    ['@bob', '[]', 'data'],
    ['@bob', '{"a":1}', 'data'],
  ])('is invalid with the receiver %s and data %s', (receiver, data, field) => {
    for (const type of ['sys.watch', 'sys.unwatch']) {
      const request = { type, id: 'i', receiver, data };
      expect(() => requests.answer(ann.session, request)).toThrow(new RegExp(`^${field}( of ${type})? must be`));
    }
  });

  it.each(['null', '{}', ' { } '])('accepts data that says nothing: %j', (data) => {
    void requests.answer(ann.session, { type: 'sys.watch', id: undefined, receiver: '@bob', data });
    expect(received()).toEqual(['presence - bob 0']);
  });

  describe('with a policy that decides later', () => {
    let verdict: Deferred<boolean>;
    beforeEach(() => {
      verdict = new Deferred();
      permissions.verdicts = (target) => (target === '@slow' ? verdict.promise : true);
    });

    it('keeps the order of the requests of a session', async () => {
      watch('slow', '1');
      ask('sys.unwatch', 'slow', '2');
      watch('bob', '3');
      watch('bob', 'other', openSession(registry));
      expect(received()).toEqual([]);
      verdict.resolve(true);
      await Promise.all(pending);
      expect(received()).toEqual(['presence 1 slow 0', 'ack 2 unwatched', 'presence 3 bob 0']);
      expect(notices.watches.usersOf(ann.session)).toEqual(['bob']);
    });

    it('begins no watch for a session that ended meanwhile', async () => {
      watch('slow', '1');
      watch('bob', '2');
      registry.end(ann.session, 1000);
      verdict.resolve(true);
      await Promise.all(pending);
      expect(notices.watches.watchersOf('slow')).toBeUndefined();
      expect(notices.watches.watchersOf('bob')).toBeUndefined();
      expect(received()).toEqual([]);
    });

    it('refuses more requests than may wait', async () => {
      watch('slow');
      while (pending.length < MAX_WAITING_CALLS) ask('sys.unwatch', 'bob');
      expect(codeOf(() => watch('bob', 'more'))).toBe('rate_limited more');
      verdict.resolve(true);
      await Promise.all(pending);
      expect(codeOf(() => watch('bob'))).toBe('none');
    });

    it('asks again where the claims have changed meanwhile', async () => {
      watch('slow', '1');
      ann.session.identity.claims = { role: 'other' };
      permissions.verdicts = () => false;
      expect(presence.recheck(ann.session)).toBeUndefined();
      verdict.resolve(true);
      await expect(pending[0]).rejects.toMatchObject({ code: 'forbidden', ref: '1' });
      expect(received()).toEqual([]);
      expect(notices.watches.usersOf(ann.session)).toEqual([]);
    });
  });

  describe('checked again', () => {
    beforeEach(() => {
      for (const user of ['a', 'b', 'c']) watch(user);
    });

    it('ends where the session may no longer see the user, with an error that names the user', () => {
      permissions.verdicts = (target) => target !== '@b';
      expect(presence.recheck(ann.session)).toBeUndefined();
      expect(received().slice(3)).toEqual(['error - forbidden']);
      expect(ann.connection.envelopes.at(-1)).toMatchObject({
        data: { message: expect.stringContaining('"b"') as string },
      });
      users.change('b', 1);
      users.change('a', 1);
      expect(received().slice(4)).toEqual(['presence - a 1']);
    });

    it('ends where the policy says so later, or fails', async () => {
      permissions.verdicts = async (target) => {
        if (target === '@c') throw new Error('policy');
        return target === '@a';
      };
      await presence.recheck(ann.session);
      expect(notices.watches.usersOf(ann.session)).toEqual(['a']);
      expect(received().slice(3)).toEqual(['error - forbidden', 'error - forbidden']);
      expect(logged).toEqual([expect.stringContaining('error')]);
    });

    it('sends no error for a watch that ended meanwhile', async () => {
      const verdict = new Deferred<boolean>();
      permissions.verdicts = () => verdict.promise;
      const rechecked = presence.recheck(ann.session);
      for (const user of ['a', 'b', 'c']) ask('sys.unwatch', user);
      verdict.resolve(false);
      await rechecked;
      expect(received().slice(3)).toEqual([]);
    });
  });
});
