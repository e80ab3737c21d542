import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NodeSlots } from '../../src/gateway/returns/node-slots.js';
import { Deferred } from '../support/deferred.js';

const PER_NODE = 32;
const MAX_WAITING = 1024;
const MAX_WAIT_MS = 2000;

describe('slots of nodes', () => {
  let slots: NodeSlots;
  let started: string[];

  beforeEach(() => {
    vi.useFakeTimers();
    slots = new NodeSlots();
    started = [];
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Runs a handshake that ends when the test says so. */
  function handshake(
    name: string,
    node = 'node',
  ): { readonly end: Deferred; readonly result: Promise<string | undefined> } {
    const end = new Deferred();
    const result = slots.run(node, async () => {
      started.push(name);
      await end.promise;
      return name;
    });
    return { end, result };
  }

  const fill = (count = PER_NODE): ReturnType<typeof handshake>[] =>
    Array.from({ length: count }, (_, index) => handshake(`${index}`));

  it('run so many handshakes with one node at a time, and the next in order', async () => {
    const running = fill();
    const [next, last] = [handshake('next'), handshake('last')];
    expect(started).toHaveLength(PER_NODE);
    running[5]!.end.resolve();
    expect(await running[5]!.result).toBe('5');
    await vi.waitFor(() => expect(started.slice(PER_NODE)).toEqual(['next']));
    next.end.resolve();
    await next.result;
    await vi.waitFor(() => expect(started.slice(PER_NODE)).toEqual(['next', 'last']));
    last.end.resolve();
    expect(await last.result).toBe('last');
  });

  it('are counted for each node alone', async () => {
    fill();
    const other = handshake('other', 'other node');
    expect(started).toContain('other');
    other.end.resolve();
    expect(await other.result).toBe('other');
  });

  it('pass on from a handshake that has failed', async () => {
    const running = fill();
    const next = handshake('next');
    running[0]!.end.reject(new Error('broken'));
    await expect(running[0]!.result).rejects.toThrow('broken');
    await vi.waitFor(() => expect(started).toContain('next'));
    next.end.resolve();
    expect(await next.result).toBe('next');
  });

  it('refuse a handshake that waits too long, and do not run it later', async () => {
    const running = fill();
    const late = handshake('late');
    await vi.advanceTimersByTimeAsync(MAX_WAIT_MS);
    expect(await late.result).toBeUndefined();
    running[0]!.end.resolve();
    await running[0]!.result;
    expect(started).not.toContain('late');
    const next = handshake('next');
    expect(started).toContain('next');
    next.end.resolve();
    expect(await next.result).toBe('next');
  });

  it('refuse at once where too many wait', async () => {
    fill();
    const waiting = fill(MAX_WAITING);
    expect(await handshake('too many').result).toBeUndefined();
    vi.advanceTimersByTime(MAX_WAIT_MS);
    for (const { result } of waiting) expect(await result).toBeUndefined();
  });
});
