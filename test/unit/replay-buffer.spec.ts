import { beforeEach, describe, expect, it } from 'vitest';
import { Block, controlFrame, OPCODE, seenFrame, textFrame, type Frame } from '../../src/protocol/index.js';
import { ReplayBudget } from '../../src/resume/replay-budget.js';
import { ReplayBuffer } from '../../src/resume/replay-buffer.js';
import { BlockPool } from '../../src/sessions/block-pool.js';
import type { Settings } from '../../src/settings/settings.js';

const MAX_BYTES = 1000;
const SESSION = 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb';

describe('the replay buffer of a session', () => {
  let budget: ReplayBudget;
  let replay: ReplayBuffer;

  beforeEach(() => {
    budget = new ReplayBudget({ resumeBudgetBytes: 1_000_000 } as Settings, new BlockPool());
    replay = new ReplayBuffer(MAX_BYTES, budget);
  });

  const texts = (): string[] => replay.unseen().map(String);
  const joined = (...frames: readonly Frame[]): Buffer => Buffer.concat(frames);

  it('returns the frames that the client has not seen, in order', () => {
    replay.push(textFrame('a'), 1);
    replay.push(joined(textFrame('b'), textFrame('c'), textFrame('d')), 3);
    replay.push(textFrame('e'), 1);
    expect(replay.forget(2)).toBe(true);
    expect(texts()).toEqual(['c', 'd', 'e']);
    expect([replay.sent, replay.seen]).toEqual([5, 2]);
  });

  it('leaves out control frames and reports, wherever they are', () => {
    const ping = controlFrame(OPCODE.ping, Buffer.from('1'));
    replay.push(joined(ping, textFrame('a'), seenFrame(SESSION, 3), textFrame('b'), ping), 2);
    replay.push(ping, 0);
    replay.push(joined(textFrame('c'), ping, textFrame('d')), 2);
    replay.forget(1);
    expect(texts()).toEqual(['b', 'c', 'd']);
  });

  it('keeps no memory for buffers without text frames that are sent again', () => {
    replay.push(controlFrame(OPCODE.ping, Buffer.from('1')), 0);
    expect(replay.pushBlock(new Block(Buffer.alloc(10)), 10, 0, true)).toBe(false);
    expect([replay.bytes, budget.totalBytes, replay.takeUnseen()]).toEqual([0, 0, null]);
  });

  it('takes the unseen frames byte for byte, and counts them again when they are sent again', () => {
    const frames = ['a', 'b'.repeat(200), 'c'.repeat(70_000)].map(textFrame);
    replay.push(joined(...frames), 3);
    replay.forget(1);
    const batches = replay.takeUnseen()!;
    expect(batches.bytes).toBe(frames[1]!.length + frames[2]!.length);
    expect([replay.sent, replay.seen, replay.bytes]).toEqual([1, 1, 0]);
    batches.moveTo(replay);
    expect(replay.sent).toBe(3);
    expect(texts()).toEqual(['b'.repeat(200), 'c'.repeat(70_000)]);
  });

  it('has nothing to take where everything was seen', () => {
    replay.push(joined(textFrame('a'), controlFrame(OPCODE.ping, Buffer.alloc(0))), 1);
    replay.forget(1);
    expect(replay.takeUnseen()).toBeNull();
  });

  it('refuses a report of more frames than were sent, and ignores an older one', () => {
    replay.push(joined(textFrame('a'), textFrame('b')), 2);
    expect(replay.forget(3)).toBe(false);
    expect(replay.forget(2)).toBe(true);
    expect(replay.forget(1)).toBe(true);
    expect(replay.seen).toBe(2);
  });

  it('counts bytes for itself and for all sessions until they are seen', () => {
    const frame = textFrame('x'.repeat(100));
    for (let index = 0; index < 200; index++) replay.push(frame, 1);
    expect([replay.bytes, budget.totalBytes]).toEqual([200 * frame.length, 200 * frame.length]);
    for (let index = 1; index <= 150; index++) replay.forget(index);
    expect([replay.bytes, budget.totalBytes]).toEqual([50 * frame.length, 50 * frame.length]);
    replay.clear();
    expect([replay.bytes, budget.totalBytes]).toEqual([0, 0]);
  });

  it('fits what is within its bytes', () => {
    replay.push(textFrame('x'.repeat(100)), 1);
    expect(replay.fits(MAX_BYTES - replay.bytes)).toBe(true);
    expect(replay.fits(MAX_BYTES - replay.bytes + 1)).toBe(false);
  });

  it('copies from a block, because the block is used again', () => {
    const block = new Block(Buffer.alloc(8192));
    block.bytes.set(textFrame('first'));
    expect(replay.pushBlock(block, 7, 1, true)).toBe(false);
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
      expect(replay.pushBlock(block, frame.length, 1, true)).toBe(isKept);
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
      if (!replay.pushBlock(block, frame.length, 1, sent.length % 5 > 0)) pool.give(block);
      sent.push(text);
    };
    for (let round = 0; round < 200; round++) {
      for (let count = 0; count < 1 + (round % 7); count++)
        send(`${round} ${'z'.repeat((round * 37 + count * 113) % 900)}`);
      replay.push(textFrame(`shared ${round}`), 1);
      sent.push(`shared ${round}`);
      expect(replay.forget(Math.max(0, sent.length - (round % 11)))).toBe(true);
      expect(texts()).toEqual(sent.slice(replay.seen));
    }
    replay.forget(sent.length);
    expect([replay.bytes, budget.totalBytes]).toEqual([0, 0]);
  });

  it.each([true, false])(
    'reuses a block after its frames were seen only where the system has taken them: %s',
    (isTaken) => {
      const block = budget.blockPool.takeFitting(512);
      block.bytes.set(textFrame('x'.repeat(300)));
      expect(replay.pushBlock(block, 304, 1, isTaken)).toBe(true);
      replay.forget(1);
      expect(budget.blockPool.takeFitting(512) === block).toBe(isTaken);
    },
  );

  it('leaves the blocks alone that an ended session has handed over', () => {
    const block = new Block(Buffer.alloc(8192));
    block.bytes.set(textFrame('kept'));
    void replay.pushBlock(block, 6, 1, true);
    const unseen = replay.release();
    const other = new ReplayBuffer(MAX_BYTES, budget);
    block.bytes.set(textFrame('next'));
    void other.pushBlock(block, 6, 1, true);
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
      while (budget.isExceededBy(budget.connected)) {
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
