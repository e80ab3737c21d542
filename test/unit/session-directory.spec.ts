import { beforeEach, describe, expect, it } from 'vitest';
import { SessionDirectory } from '../../src/messaging/session-directory.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import { newRegistry, openSession } from '../support/sessions.js';

describe('the session directory', () => {
  let registry: SessionRegistry;
  let directory: SessionDirectory;

  beforeEach(() => {
    registry = newRegistry();
    directory = new SessionDirectory(registry);
  });

  it('lists local and remote sessions page by page', () => {
    const local = Array.from({ length: 4 }, () => openSession(registry).session.id);
    const remote = ['AAAAAAAA.a', 'zzzzzzzz.b', 'zzzzzzzz.c'];
    for (const id of remote) directory.addRemote(id, undefined);
    const ids = [...local, ...remote].toSorted();
    expect(directory.page(undefined, 5)).toEqual({ sessions: ids.slice(0, 5), total: 7, next: ids[4] });
    expect(directory.page(ids[4], 5)).toEqual({ sessions: ids.slice(5), total: 7 });
  });

  it('forgets a session that departed', () => {
    const { session } = openSession(registry);
    directory.addRemote('AAAAAAAA.a', 'ann');
    expect(directory.page(undefined, 5).total).toBe(2);
    registry.end(session, 1000);
    expect(directory.page(undefined, 5)).toEqual({ sessions: ['AAAAAAAA.a'], total: 1 });
    expect([directory.has('AAAAAAAA.a'), directory.userOf('AAAAAAAA.a')]).toEqual([true, 'ann']);
    expect(directory.removeRemote('AAAAAAAA.a')).toBe(true);
    expect(directory.page(undefined, 5)).toEqual({ sessions: [], total: 0 });
    expect([directory.has('AAAAAAAA.a'), directory.userOf('AAAAAAAA.a')]).toEqual([false, undefined]);
  });

  it('adds and removes a remote session once', () => {
    expect([directory.addRemote('AAAAAAAA.a', 'ann'), directory.addRemote('AAAAAAAA.a', 'bob')]).toEqual([true, false]);
    expect(directory.userOf('AAAAAAAA.a')).toBe('ann');
    expect([directory.removeRemote('AAAAAAAA.a'), directory.removeRemote('AAAAAAAA.a')]).toEqual([true, false]);
  });

  it('lists the remote sessions of one node, also while they are removed', () => {
    for (const id of ['AAAAAAAA.a', 'AAAAAAAA.b', 'BBBBBBBB.c']) directory.addRemote(id, undefined);
    const listed: string[] = [];
    for (const id of directory.remoteSessions('AAAAAAAA')) {
      listed.push(id);
      directory.removeRemote(id);
    }
    expect(listed).toEqual(['AAAAAAAA.a', 'AAAAAAAA.b']);
    expect([...directory.remoteSessions('AAAAAAAA')]).toEqual([]);
    expect(directory.page(undefined, 5)).toEqual({ sessions: ['BBBBBBBB.c'], total: 1 });
  });

  it('forgets all local sessions when the node drains', () => {
    for (let count = 0; count < 3; count++) openSession(registry);
    expect(directory.page(undefined, 5).total).toBe(3);
    registry.endAll(1012);
    expect(directory.page(undefined, 5)).toEqual({ sessions: [], total: 0 });
  });
});
