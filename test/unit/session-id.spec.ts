import { describe, expect, it } from 'vitest';
import { NodeIdentity } from '../../src/node/node-identity.js';
import { SessionIdGenerator } from '../../src/sessions/session-id-generator.js';

describe('session ids', () => {
  it('are a node id, a dot and 96 random bits, URL-safe and all of one length', () => {
    const node = new NodeIdentity();
    const ids = new SessionIdGenerator(node);
    for (let count = 0; count < 1000; count++) {
      const id = ids.next();
      expect(id).toMatch(/^[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]{16}$/);
      expect(id.startsWith(`${node.id}.`)).toBe(true);
      expect(Buffer.from(id.split('.')[1]!, 'base64url')).toHaveLength(12);
    }
  });

  it('do not repeat among a hundred thousand', () => {
    const ids = new SessionIdGenerator(new NodeIdentity());
    expect(new Set(Array.from({ length: 100_000 }, () => ids.next())).size).toBe(100_000);
  });

  it('have a different node id after each start', () => {
    expect(new Set(Array.from({ length: 1000 }, () => new NodeIdentity().id)).size).toBe(1000);
  });

  it('have the new node id after the node has renewed its id', () => {
    const node = new NodeIdentity();
    const ids = new SessionIdGenerator(node);
    const [before] = ids.next().split('.');
    node.renew();
    expect(ids.next().split('.')[0]).toBe(node.id);
    expect(node.id).not.toBe(before);
  });

  it('set every bit as often as they clear it', () => {
    const ids = new SessionIdGenerator(new NodeIdentity());
    const ones = Array.from({ length: 96 }, () => 0);
    const many = 20_000;
    for (let count = 0; count < many; count++) {
      const bytes = Buffer.from(ids.next().split('.')[1]!, 'base64url');
      for (let bit = 0; bit < 96; bit++) ones[bit]! += (bytes[bit >> 3]! >> (bit & 7)) & 1;
    }
    // Seven standard deviations: a fair bit falls outside once in four hundred thousand million.
    const bound = 7 * Math.sqrt(many / 4);
    for (const count of ones) expect(Math.abs(count - many / 2)).toBeLessThan(bound);
  });
});
