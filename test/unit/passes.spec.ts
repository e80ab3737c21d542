import { beforeEach, describe, expect, it } from 'vitest';
import { Passes } from '../../src/gateway/returns/passes.js';
import type { ReturnRequest } from '../../src/gateway/returns/return-wire.js';

const LIFETIME_MS = 5000;
const MAX_PASSES = 4096;

const pipedOf = (token: string): ReturnRequest => ({
  token,
  frames: 1,
  identity: { address: '192.0.2.1', user: 'ann', subject: undefined, claims: undefined, expiresAt: undefined },
});

describe('passes', () => {
  let passes: Passes;

  beforeEach(() => {
    passes = new Passes();
  });

  it('are good once', () => {
    const pass = passes.give(pipedOf('a'), 0)!;
    expect(pass).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(passes.take(pass, 1)).toEqual(pipedOf('a'));
    expect(passes.take(pass, 2)).toBeUndefined();
  });

  it('are not guessed from each other', () => {
    const [one, other] = [passes.give(pipedOf('a'), 0)!, passes.give(pipedOf('a'), 0)!];
    expect(one).not.toBe(other);
    expect(passes.take('', 1)).toBeUndefined();
    expect(passes.take(`${one}x`, 1)).toBeUndefined();
    expect(passes.take(one, 1)).toEqual(pipedOf('a'));
  });

  it('expire after five seconds', () => {
    const [first, second] = [passes.give(pipedOf('a'), 0)!, passes.give(pipedOf('b'), 1)!];
    expect(passes.take(first, LIFETIME_MS)).toBeUndefined();
    expect(passes.take(second, LIFETIME_MS)).toEqual(pipedOf('b'));
  });

  it('are limited in number until some expire', () => {
    for (let count = 0; count < MAX_PASSES; count++) expect(passes.give(pipedOf('a'), 0)).toBeDefined();
    expect(passes.give(pipedOf('b'), LIFETIME_MS - 1)).toBeUndefined();
    expect(passes.give(pipedOf('b'), LIFETIME_MS)).toBeDefined();
  });
});
