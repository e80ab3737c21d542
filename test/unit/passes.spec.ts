import { beforeEach, describe, expect, it } from 'vitest';
import { Passes, type GrantedReturn } from '../../src/gateway/returns/passes.js';

const LIFETIME_MS = 5000;
const MAX_PASSES = 4096;

const grantedOf = (token: string): GrantedReturn => ({
  request: {
    token,
    frames: 1,
    identity: { address: '192.0.2.1', user: 'ann', subject: undefined, claims: undefined, expiresAt: undefined },
  },
  secret: 'SECRET',
});

describe('passes', () => {
  let passes: Passes;

  beforeEach(() => {
    passes = new Passes();
  });

  it('are good once', () => {
    const pass = passes.give(grantedOf('a'), 0)!;
    expect(pass).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(passes.take(pass, 1)).toEqual({ ...grantedOf('a'), ageMs: 1 });
    expect(passes.take(pass, 2)).toBeUndefined();
  });

  it('are not guessed from each other', () => {
    const [one, other] = [passes.give(grantedOf('a'), 0)!, passes.give(grantedOf('a'), 0)!];
    expect(one).not.toBe(other);
    expect(passes.take('', 1)).toBeUndefined();
    expect(passes.take(`${one}x`, 1)).toBeUndefined();
    expect(passes.take(one, 1)).toMatchObject(grantedOf('a'));
  });

  it('expire after five seconds', () => {
    const [first, second] = [passes.give(grantedOf('a'), 0)!, passes.give(grantedOf('b'), 1)!];
    expect(passes.take(first, LIFETIME_MS)).toBeUndefined();
    expect(passes.take(second, LIFETIME_MS)).toMatchObject(grantedOf('b'));
  });

  it('are limited in number until some expire', () => {
    for (let count = 0; count < MAX_PASSES; count++) expect(passes.give(grantedOf('a'), 0)).toBeDefined();
    expect(passes.give(grantedOf('b'), LIFETIME_MS - 1)).toBeUndefined();
    expect(passes.give(grantedOf('b'), LIFETIME_MS)).toBeDefined();
  });
});
