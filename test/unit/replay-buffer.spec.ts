import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, it } from 'vitest';
import { Block, controlFrame, OPCODE, seenFrame, textFrame, type Frame } from '../../src/protocol/index.js';
import { ReplayBudget } from '../../src/resume/replay-budget.js';
import { ReplayBuffer } from '../../src/resume/replay-buffer.js';
import { BlockPool } from '../../src/sessions/block-pool.js';
import type { Settings } from '../../src/settings/settings.js';
import { textsOf } from '../support/resumable.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const MAX_BYTES = 1000;
const REFERENCE_BYTES = 16;
const SESSION = 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb';

describe('the replay buffer of a session', () => {
  let budget: ReplayBudget;
  let replay: ReplayBuffer;

  beforeEach(() => {
    budget = new ReplayBudget({ resumeBudgetBytes: 1_000_000 } as Settings, new BlockPool());
    replay = new ReplayBuffer(MAX_BYTES, budget);
  });

  const texts = (): string[] => replay.unseenRuns().runs.flatMap(textsOf);
  const joined = (...frames: readonly Frame[]): Buffer => Buffer.concat(frames);

  it('returns the frames that the client has not seen, in order', () => {
    replay.push(textFrame('a'), 1);
    replay.push(joined(textFrame('b'), textFrame('c'), textFrame('d')), 3);
    replay.push(textFrame('e'), 1);
    expect(replay.forget(2, true)).toBe(true);
    expect(texts()).toEqual(['c', 'd', 'e']);
    expect([replay.sent, replay.seen]).toEqual([5, 2]);
  });

  it('leaves out control frames and reports, wherever they are', () => {
    const ping = controlFrame(OPCODE.ping, Buffer.from('1'));
    replay.push(joined(ping, textFrame('a'), seenFrame(SESSION, 3), textFrame('b'), ping), 2);
    replay.push(ping, 0);
    replay.push(joined(textFrame('c'), ping, textFrame('d')), 2);
    replay.forget(1, true);
    expect(texts()).toEqual(['b', 'c', 'd']);
  });

  it('keeps no memory for buffers without text frames that are sent again', () => {
    replay.push(controlFrame(OPCODE.ping, Buffer.from('1')), 0);
    expect(replay.pushBlock(new Block(Buffer.alloc(10)), 10, 0)).toBe(false);
    expect([replay.bytes, budget.totalBytes, replay.takeUnseen()]).toEqual([0, 0, null]);
  });

  it('takes the unseen frames byte for byte, and counts them again when they are sent again', () => {
    const frames = ['a', 'b'.repeat(200), 'c'.repeat(70_000)].map(textFrame);
    replay.push(joined(...frames), 3);
    replay.forget(1, true);
    const batches = replay.takeUnseen()!;
    expect(batches.bytes).toBe(frames[1]!.length + frames[2]!.length);
    expect([replay.sent, replay.seen, replay.bytes]).toEqual([1, 1, 0]);
    batches.moveTo(replay);
    expect(replay.sent).toBe(3);
    expect(texts()).toEqual(['b'.repeat(200), 'c'.repeat(70_000)]);
  });

  it('has nothing to take where everything was seen', () => {
    replay.push(joined(textFrame('a'), controlFrame(OPCODE.ping, Buffer.alloc(0))), 1);
    replay.forget(1, true);
    expect(replay.takeUnseen()).toBeNull();
  });

  it('refuses a report of more frames than were sent, and ignores an older one', () => {
    replay.push(joined(textFrame('a'), textFrame('b')), 2);
    expect(replay.forget(3, true)).toBe(false);
    expect(replay.forget(2, true)).toBe(true);
    expect(replay.forget(1, true)).toBe(true);
    expect(replay.seen).toBe(2);
  });

  it('counts bytes for itself and for all sessions until they are seen', () => {
    const bytes = textFrame('x'.repeat(100)).length;
    for (let index = 0; index < 200; index++) replay.push(textFrame('x'.repeat(100)), 1);
    expect([replay.bytes, budget.totalBytes]).toEqual([200 * bytes, 200 * bytes]);
    for (let index = 1; index <= 150; index++) replay.forget(index, true);
    expect([replay.bytes, budget.totalBytes]).toEqual([50 * bytes, 50 * bytes]);
    replay.clear();
    expect([replay.bytes, budget.totalBytes]).toEqual([0, 0]);
  });

  it('counts shared bytes once for connected sessions, with references to them, and for each session that is away', () => {
    const frame = textFrame('x'.repeat(100));
    const all = Array.from({ length: 10 }, () => new ReplayBuffer(MAX_BYTES, budget));
    const counted = (): number[] => [budget.connected.bytes, budget.away.bytes];
    for (const each of all) each.push(frame, 1);
    expect(all.map(({ bytes }) => bytes)).toEqual(Array(10).fill(frame.length));
    expect(counted()).toEqual([frame.length + 9 * REFERENCE_BYTES, 0]);
    expect(all[0]!.ownBytes).toBe(0);
    for (const each of all.slice(0, 4)) each.countIn(budget.away);
    expect(counted()).toEqual([frame.length + 5 * REFERENCE_BYTES, 4 * frame.length]);
    all[0]!.forget(1, true);
    all[1]!.clear();
    for (const each of all.slice(2, 4)) {
      const batches = each.takeUnseen()!;
      each.countIn(budget.connected);
      batches.moveTo(each);
    }
    expect(counted()).toEqual([frame.length + 7 * REFERENCE_BYTES, 0]);
    for (const each of all.slice(3)) each.clear();
    expect(all[2]!.ownBytes).toBe(frame.length);
    void all[2]!.takeUnseen();
    expect(counted()).toEqual([0, 0]);
  });

  it('fits what is within its bytes', () => {
    replay.push(textFrame('x'.repeat(100)), 1);
    expect(replay.fits(MAX_BYTES - replay.bytes)).toBe(true);
    expect(replay.fits(MAX_BYTES - replay.bytes + 1)).toBe(false);
  });

  it('copies from a block, because the block is used again', () => {
    const block = new Block(Buffer.alloc(8192));
    block.bytes.set(textFrame('first'));
    expect(replay.pushBlock(block, 7, 1)).toBe(false);
    block.bytes.set(textFrame('other'));
    expect(texts()).toEqual(['first']);
  });

  it('keeps a block that is mostly full, and copies from one that is mostly empty', () => {
    const frame = textFrame('y'.repeat(20_000));
    const full = new Block(Buffer.alloc(30_000));
    const empty = new Block(Buffer.alloc(65_536));
    for (const [block, isKept] of [
      [full, true],
      [empty, false],
    ] as const) {
      block.bytes.set(frame);
      expect(replay.pushBlock(block, frame.length, 1)).toBe(isKept);
    }
    expect(texts()).toEqual(['y'.repeat(20_000), 'y'.repeat(20_000)]);
  });

  it('reuses a block only after each of its frames was seen', () => {
    const pool = budget.blockPool;
    const sent: string[] = [];
    const send = (text: string): void => {
      const frame = textFrame(text);
      const block = sent.length % 3 === 0 ? pool.take(frame.length) : pool.takeFitting(frame.length);
      block.bytes.set(frame);
      if (!replay.pushBlock(block, frame.length, 1)) pool.give(block);
      sent.push(text);
    };
    for (let round = 0; round < 200; round++) {
      for (let count = 0; count < 1 + (round % 7); count++)
        send(`${round} ${'z'.repeat((round * 37 + count * 113) % 900)}`);
      replay.push(textFrame(`shared ${round}`), 1);
      sent.push(`shared ${round}`);
      expect(replay.forget(Math.max(0, sent.length - (round % 11)), true)).toBe(true);
      expect(texts()).toEqual(sent.slice(replay.seen));
    }
    replay.forget(sent.length, true);
    expect([replay.bytes, budget.totalBytes]).toEqual([0, 0]);
  });

  it.each([true, false])('reuses a block only where the connection holds none of it: %s', (isTaken) => {
    const block = budget.blockPool.takeFitting(512);
    block.bytes.set(textFrame('x'.repeat(300)));
    expect(replay.pushBlock(block, 304, 1)).toBe(true);
    expect(replay.forget(1, isTaken)).toBe(true);
    expect(budget.blockPool.takeFitting(512) === block).toBe(isTaken);
  });

  it.each([
    ['small', [100]],
    ['large and small', [450, 100]],
    ['larger and small', [1000, 200]],
    ['shrinking', [4000, 1900, 900, 400, 150, 60]],
  ])('holds about twice the counted bytes of %s frames at most', (_, sizes) => {
    const pool = budget.blockPool;
    const held = new Set<Block>();
    const takeFitting = pool.takeFitting.bind(pool);
    pool.takeFitting = (bytes) => {
      const block = takeFitting(bytes);
      held.add(block);
      return block;
    };
    for (let index = 0; replay.bytes < 262_144; index++) {
      const frame = textFrame('x'.repeat(sizes[index % sizes.length]! - 4));
      const block = pool.takeFitting(Math.max(frame.length, replay.expectedBytes));
      block.bytes.set(frame);
      if (replay.pushBlock(block, frame.length, 1)) continue;
      held.delete(block);
      pool.give(block);
    }
    const heldBytes = [...held].reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(heldBytes).toBeLessThan(2.1 * replay.bytes);
  });

  it('refers to nothing that was seen', async () => {
    const frames = Array.from({ length: 10 }, () => new WeakRef(textFrame('x'.repeat(5000))));
    for (const frame of frames) replay.push(frame.deref()!, 1);
    expect(replay.forget(9, true)).toBe(true);
    void budget.sharedRun(Buffer.alloc(1), 1);
    await turn(); // references of this turn are held until its end
    collectGarbage();
    expect(frames.filter((frame) => frame.deref() !== undefined)).toHaveLength(1);
  });

  it('copies a small part of a large buffer when it is taken', () => {
    replay.push(joined(textFrame('y'.repeat(20_000)), textFrame('tail')), 2);
    expect(replay.forget(1, true)).toBe(true);
    replay.takeUnseen()!.moveTo(replay);
    const [tail] = replay.unseenRuns().runs;
    expect(tail!.buffer.byteLength).toBe(6);
  });

  it('holds little more than is counted after many returns, in each of which half was seen', () => {
    replay.push(Buffer.concat(Array.from({ length: 128 }, () => textFrame('x'.repeat(508)))), 128);
    for (let count = 0; count < 8; count++) {
      expect(replay.forget(replay.seen + Math.floor((replay.sent - replay.seen) * 0.48), false)).toBe(true);
      replay.takeUnseen()!.moveTo(replay);
      const [run] = replay.unseenRuns().runs;
      expect(run!.buffer.byteLength).toBeLessThanOrEqual(2 * replay.bytes);
    }
  });

  it('leaves the blocks alone that an ended session has handed over', () => {
    const block = new Block(Buffer.alloc(8192));
    block.bytes.set(textFrame('kept'));
    void replay.pushBlock(block, 6, 1);
    const unseen = replay.release();
    const other = new ReplayBuffer(MAX_BYTES, budget);
    block.bytes.set(textFrame('next'));
    void other.pushBlock(block, 6, 1);
    expect(String(unseen.next())).toBe('kept');
    expect(unseen.next()).toBeUndefined();
  });
});

describe('the budget of all replay buffers', () => {
  it('ends sessions until their bytes fit, at the end of the tick', async () => {
    const budget = new ReplayBudget({ resumeBudgetBytes: 250 } as Settings, new BlockPool());
    const buffers = [1, 2, 3].map(() => new ReplayBuffer(MAX_BYTES, budget));
    const ended: ReplayBuffer[] = [];
    budget.onExceeded(() => {
      while (budget.excessOf(budget.connected) > 0) {
        const next = buffers.shift()!;
        ended.push(next);
        next.clear();
      }
    });
    const [first] = buffers;
    for (const buffer of buffers) buffer.push(textFrame('x'.repeat(98)), 1);
    expect(ended).toEqual([]);
    await new Promise((resolve) => process.nextTick(resolve));
    expect(ended).toEqual([first]);
    expect(budget.totalBytes).toBe(200);
  });
});
