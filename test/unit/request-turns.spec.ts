import { beforeEach, describe, expect, it } from 'vitest';
import { RequestTurns } from '../../src/groups/request-turns.js';
import { MAX_WAITING_CALLS } from '../../src/protocol/index.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { newRegistry, openSession } from '../support/sessions.js';

describe('the turns of requests', () => {
  let turns: RequestTurns;
  let registry: SessionRegistry;
  let session: Session;
  let order: number[];

  beforeEach(() => {
    turns = new RequestTurns();
    registry = newRegistry();
    ({ session } = openSession(registry));
    order = [];
  });

  /** Runs a request that waits, and returns the function that ends it. */
  function begin(): () => void {
    let end: () => void = () => undefined;
    void turns.run(session, undefined, () => new Promise((resolve) => (end = resolve)));
    return end;
  }

  function request(number: number): Promise<void> | undefined {
    return turns.run(session, `r${number}`, () => {
      order.push(number);
      return undefined;
    });
  }

  it('run a request at once where none is pending', () => {
    expect(request(1)).toBeUndefined();
    expect(order).toEqual([1]);
  });

  it('run the requests of a session in their order behind one that waits', async () => {
    const end = begin();
    const first = request(1);
    const second = request(2);
    expect(order).toEqual([]);
    end();
    await first;
    await second;
    expect(order).toEqual([1, 2]);
    await Promise.resolve();
    expect(request(3)).toBeUndefined();
  });

  it('do not let sessions wait for each other', () => {
    begin();
    expect(turns.run(openSession(registry).session, undefined, () => undefined)).toBeUndefined();
  });

  it('go on after a request that failed', async () => {
    const failing = turns.run(session, undefined, () => Promise.reject(new Error('a fault')));
    const next = request(1);
    await expect(failing).rejects.toThrow('a fault');
    await next;
    expect(order).toEqual([1]);
  });

  it('drop the requests of a session that has ended', async () => {
    const end = begin();
    const pending = request(1);
    registry.end(session);
    end();
    await pending;
    expect(order).toEqual([]);
  });

  it('refuse a request over the bound with rate_limited', () => {
    begin();
    for (let count = 1; count < MAX_WAITING_CALLS; count++) void request(count);
    expect(() => request(0)).toThrow(expect.objectContaining({ code: 'rate_limited', ref: 'r0' }));
  });
});
