import { beforeEach, describe, expect, it } from 'vitest';
import { SessionDirectory } from '../../src/messaging/session-directory.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import { newRegistry, openSession } from '../support/sessions.js';

describe('everyone', () => {
  let registry: SessionRegistry;
  let sessionDirectory: SessionDirectory;

  beforeEach(() => {
    registry = newRegistry();
    sessionDirectory = new SessionDirectory(registry);
  });

  it('is listed page by page, from whatever node', () => {
    const here = Array.from({ length: 4 }, () => openSession(registry).session.id);
    const elsewhere = ['AAAAAAAA.a', 'zzzzzzzz.b', 'zzzzzzzz.c'];
    for (const id of elsewhere) sessionDirectory.remoteArrived(id, undefined);
    const ids = [...here, ...elsewhere].toSorted();
    expect(sessionDirectory.page(undefined, 5)).toEqual({ sessions: ids.slice(0, 5), total: 7, next: ids[4] });
    expect(sessionDirectory.page(ids[4], 5)).toEqual({ sessions: ids.slice(5), total: 7 });
  });

  it('is listed no more after leaving', () => {
    const { session } = openSession(registry);
    sessionDirectory.remoteArrived('elsewhere', 'ann');
    expect(sessionDirectory.page(undefined, 5).total).toBe(2);
    registry.end(session, 1000);
    expect(sessionDirectory.page(undefined, 5)).toEqual({ sessions: ['elsewhere'], total: 1 });
    expect(sessionDirectory.userOf('elsewhere')).toBe('ann');
    sessionDirectory.remoteDeparted('elsewhere');
    expect(sessionDirectory.page(undefined, 5)).toEqual({ sessions: [], total: 0 });
    expect(sessionDirectory.userOf('elsewhere')).toBeUndefined();
  });

  it('forgets all at once when a node drains', () => {
    for (let count = 0; count < 3; count++) openSession(registry);
    expect(sessionDirectory.page(undefined, 5).total).toBe(3);
    registry.endAll(1012);
    expect(sessionDirectory.page(undefined, 5)).toEqual({ sessions: [], total: 0 });
  });
});
