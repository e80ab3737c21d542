import { describe, expect, it } from 'vitest';
import { decide } from '../../src/groups/decide.js';
import { Deferred } from '../support/deferred.js';
import { Groups } from '../support/groups.js';

describe('a decision about a session', () => {
  const { session } = new Groups().open('ann');
  let effects: boolean[] = [];
  const effect = (isAllowed: boolean): void => void effects.push(isAllowed);

  it('has its effect at once where the verdict is there', () => {
    effects = [];
    expect(decide(session, () => true, effect)).toBeUndefined();
    expect(decide(session, () => false, effect)).toBeUndefined();
    expect(effects).toEqual([true, false]);
  });

  it('is made anew where another token takes the place of the old one after the verdict', async () => {
    effects = [];
    const old = session.claims;
    const verdict = new Deferred<boolean>();
    const decided = decide(session, () => (session.claims === old ? verdict.promise : false), effect);
    verdict.resolve(true);
    session.identity.claims = {};
    await decided;
    expect(effects).toEqual([false]);
  });

  it('rejects as the verdict, and as the effect throws', async () => {
    await expect(decide(session, () => Promise.reject(new Error('a fault')), effect)).rejects.toThrow('a fault');
    const throwing = (): never => {
      throw new Error('no effect');
    };
    await expect(decide(session, async () => true, throwing)).rejects.toThrow('no effect');
    expect(() => decide(session, () => true, throwing)).toThrow('no effect');
  });

  it('has no effect once the session has ended', async () => {
    effects = [];
    const groups = new Groups();
    const other = groups.open().session;
    const decided = decide(other, async () => true, effect);
    groups.registry.end(other);
    await decided;
    void decide(other, () => true, effect);
    expect(effects).toEqual([]);
  });
});
