import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NodeSlots } from '../../src/gateway/returns/node-slots.js';
import { Deferred } from '../support/deferred.js';

const PER_NODE = 32;
const MAX_WAITING = 1024;
/** Of one address, a quarter of those. */
const PER_ADDRESS = 8;
const MAX_WAITING_PER_ADDRESS = 256;
const MAX_WAIT_MS = 2000;

describe('slots of nodes', () => {
  let slots: NodeSlots;
  let started: string[];
  let addresses: number;

  beforeEach(() => {
    vi.useFakeTimers();
    slots = new NodeSlots();
    started = [];
    addresses = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Runs a handshake that ends when the test says so; by default of an address of its own. */
  function handshake(
    name: string,
    { node = 'node', address = `${addresses++}` } = {},
  ): { readonly end: Deferred; readonly result: Promise<string | undefined> } {
    const end = new Deferred();
    const result = slots.run(node, address, async () => {
      started.push(name);
      await end.promise;
      return name;
    });
    return { end, result };
  }

  const fill = (count = PER_NODE, address?: string): ReturnType<typeof handshake>[] =>
    Array.from({ length: count }, (_, index) => handshake(`${index}`, { address }));

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
    const other = handshake('other', { node: 'other node' });
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

  it('give one address a share of them, and the others stay free for other addresses', async () => {
    const enemies = fill(PER_NODE, 'enemy');
    expect(started).toHaveLength(PER_ADDRESS);
    const others = Array.from({ length: PER_NODE - PER_ADDRESS }, (_, index) => handshake(`other ${index}`));
    expect(started).toHaveLength(PER_NODE);
    const late = handshake('late');
    others[0]!.end.resolve();
    await others[0]!.result;
    await vi.waitFor(() => expect(started.at(-1)).toBe('late'));
    enemies[0]!.end.resolve();
    await enemies[0]!.result;
    await vi.waitFor(() => expect(started.at(-1)).toBe(`${PER_ADDRESS}`));
    late.end.resolve();
    await late.result;
    expect(started).toHaveLength(PER_NODE + 2);
  });

  it('give one address its share of each node', () => {
    for (const node of ['a', 'b'])
      for (let index = 0; index < PER_NODE; index++) void handshake(node, { node, address: 'x' });
    expect(started).toHaveLength(2 * PER_ADDRESS);
  });

  it('refuse at once where too many of one address wait, and no other address', async () => {
    fill(PER_ADDRESS, 'enemy');
    const waiting = fill(MAX_WAITING_PER_ADDRESS, 'enemy');
    expect(await handshake('too many', { address: 'enemy' }).result).toBeUndefined();
    expect(started).toHaveLength(PER_ADDRESS);
    fill(PER_NODE - PER_ADDRESS);
    const others = fill(MAX_WAITING - MAX_WAITING_PER_ADDRESS);
    expect(await handshake('too many').result).toBeUndefined();
    vi.advanceTimersByTime(MAX_WAIT_MS);
    for (const { result } of [...waiting, ...others]) expect(await result).toBeUndefined();
    const next = handshake('next', { node: 'other node', address: 'enemy' });
    next.end.resolve();
    expect(await next.result).toBe('next');
  });
});
