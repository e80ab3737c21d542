import { beforeEach, describe, expect, it } from 'vitest';
import { Everyone } from '../../src/messaging/everyone.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import { newRegistry, openSession } from '../support/sessions.js';

describe('everyone', () => {
  let registry: SessionRegistry;
  let everyone: Everyone;

  beforeEach(() => {
    registry = newRegistry();
    everyone = new Everyone(registry);
  });

  it('is listed page by page, from whatever node', () => {
    const here = Array.from({ length: 4 }, () => openSession(registry).session.id);
    const elsewhere = ['AAAAAAAA.a', 'zzzzzzzz.b', 'zzzzzzzz.c'];
    for (const id of elsewhere) everyone.arrivedElsewhere(id, undefined);
    const ids = [...here, ...elsewhere].toSorted();
    expect(everyone.page(undefined, 5)).toEqual({ sessions: ids.slice(0, 5), total: 7, next: ids[4] });
    expect(everyone.page(ids[4], 5)).toEqual({ sessions: ids.slice(5), total: 7 });
  });

  it('is listed no more after leaving', () => {
    const { session } = openSession(registry);
    everyone.arrivedElsewhere('elsewhere', 'ann');
    expect(everyone.page(undefined, 5).total).toBe(2);
    registry.end(session, 1000);
    expect(everyone.page(undefined, 5)).toEqual({ sessions: ['elsewhere'], total: 1 });
    expect(everyone.userOf('elsewhere')).toBe('ann');
    everyone.departedElsewhere('elsewhere');
    expect(everyone.page(undefined, 5)).toEqual({ sessions: [], total: 0 });
    expect(everyone.userOf('elsewhere')).toBeUndefined();
  });

  it('forgets all at once when a node drains', () => {
    for (let count = 0; count < 3; count++) openSession(registry);
    expect(everyone.page(undefined, 5).total).toBe(3);
    registry.endAll(1012);
    expect(everyone.page(undefined, 5)).toEqual({ sessions: [], total: 0 });
  });
});
