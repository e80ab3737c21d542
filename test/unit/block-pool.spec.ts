import { beforeEach, describe, expect, it } from 'vitest';
import { Block } from '../../src/protocol/index.js';
import { BlockPool } from '../../src/sessions/block-pool.js';

const MIB = 1_048_576;

describe('the pool of blocks', () => {
  let pool: BlockPool;

  beforeEach(() => (pool = new BlockPool()));

  const newBlock = (bytes: number): Block => new Block(Buffer.allocUnsafeSlow(bytes));

  it.each([
    [1, 2048],
    [2048, 2048],
    [2049, 8192],
    [8193, 65_536],
    [65_537, 65_537],
  ])('lends for a batch of %i bytes a block of %i', (bytes, length) => {
    expect(pool.take(bytes).bytes).toHaveLength(length);
  });

  it.each([
    [1, 512],
    [513, 1024],
    [65_536, 65_536],
    [65_537, 65_537],
  ])('lends for %i bytes that are kept a block of %i', (bytes, length) => {
    expect(pool.takeFitting(bytes).bytes).toHaveLength(length);
  });

  it('reuses the blocks of one tick with a batch for each of 4,000 sessions', () => {
    const blocks = Array.from({ length: 4000 }, () => pool.take(200));
    blocks.forEach((block) => pool.give(block));
    const before = new Set(blocks);
    expect(blocks.every(() => before.has(pool.take(200)))).toBe(true);
  });

  it.each([
    [512, 4],
    [2048, 8],
    [4096, 4],
    [8192, 8],
    [65_536, 8],
  ])('keeps of blocks of %i bytes at most %i MiB', (bytes, mebibytes) => {
    const given = Array.from({ length: (mebibytes * MIB) / bytes + 1 }, () => newBlock(bytes));
    given.forEach((block) => pool.give(block));
    const kept = new Set(given);
    expect(given.filter(() => kept.has(pool.takeFitting(bytes)))).toHaveLength(given.length - 1);
  });

  it('keeps no block of a size that it does not lend twice', () => {
    const block = newBlock(65_537);
    pool.give(block);
    expect(pool.take(65_537)).not.toBe(block);
  });
});
