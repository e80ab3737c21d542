import { beforeEach, describe, expect, it } from 'vitest';
import { Watches } from '../../src/presence/watches.js';
import type { Session } from '../../src/sessions/session.js';
import { newRegistry, openSession } from '../support/sessions.js';

const MAX = 3;

describe('the watches of users', () => {
  const registry = newRegistry();
  let watches: Watches;
  let one: Session;
  let other: Session;

  beforeEach(() => {
    watches = new Watches(MAX);
    one = openSession(registry).session;
    other = openSession(registry).session;
  });

  const watchersOf = (user: string): Session[] => [...(watches.watchersOf(user) ?? [])];

  it('are found by session and by user', () => {
    watches.add(one, 'ann');
    watches.add(one, 'bob');
    watches.add(other, 'ann');
    expect(watches.usersOf(one)).toEqual(['ann', 'bob']);
    expect(watches.usersOf(other)).toEqual(['ann']);
    expect(watchersOf('ann')).toEqual([one, other]);
    expect(watchersOf('bob')).toEqual([one]);
    expect(watches.watchersOf('carol')).toBeUndefined();
  });

  it('count once for a user, and are limited for each session', () => {
    for (const user of ['ann', 'bob', 'ann', 'carol']) expect(watches.add(one, user)).toBe(true);
    expect(watches.add(one, 'dora')).toBe(false);
    expect(watches.add(one, 'bob')).toBe(true);
    expect(watches.usersOf(one)).toHaveLength(MAX);
    expect(watches.watchersOf('dora')).toBeUndefined();
    expect(watches.add(other, 'dora')).toBe(true);
    watches.remove(one, 'ann');
    expect(watches.add(one, 'dora')).toBe(true);
  });

  it('are removed one by one', () => {
    watches.add(one, 'ann');
    watches.add(other, 'ann');
    expect(watches.remove(one, 'ann')).toBe(true);
    expect(watches.remove(one, 'ann')).toBe(false);
    expect(watches.remove(one, 'bob')).toBe(false);
    expect(watchersOf('ann')).toEqual([other]);
    watches.remove(other, 'ann');
    expect(watches.watchersOf('ann')).toBeUndefined();
  });

  it('of a session that ended are removed together', () => {
    for (const user of ['ann', 'bob']) watches.add(one, user);
    watches.add(other, 'ann');
    watches.forget(one);
    expect(watches.usersOf(one)).toEqual([]);
    expect(watchersOf('ann')).toEqual([other]);
    expect(watches.watchersOf('bob')).toBeUndefined();
    watches.forget(one);
  });
});
