import { describe, expect, it } from 'vitest';
import { controlFrame, headerBytes, OPCODE, textFrame, writeHeader } from '../../src/protocol/index.js';

describe('a frame', () => {
  it.each([
    [0, '8100'],
    [1, '8101'],
    [125, '817d'],
    [126, '817e007e'],
    [127, '817e007f'],
    [65_535, '817effff'],
    [65_536, '817f0000000000010000'],
    [70_000, '817f0000000000011170'],
  ])('of %i bytes has the shortest possible header', (length, header) => {
    const frame = textFrame('x'.repeat(length));
    expect(frame.subarray(0, header.length / 2).toString('hex')).toBe(header);
    expect(headerBytes(length)).toBe(header.length / 2);
    expect(frame).toHaveLength(header.length / 2 + length);
    expect(frame.subarray(header.length / 2).equals(Buffer.alloc(length, 'x'))).toBe(true);
  });

  it('counts bytes and not characters', () => {
    const frame = textFrame('é'.repeat(63));
    expect(frame.subarray(0, 4).toString('hex')).toBe('817e007e');
    expect(frame.toString('utf8', 4)).toBe('é'.repeat(63));
  });

  it('over 4 GiB has its length in eight bytes', () => {
    const header = Buffer.alloc(10);
    expect(writeHeader(header, 0, OPCODE.text, 2 ** 32 + 5)).toBe(10);
    expect(header.toString('hex')).toBe('817f0000000100000005');
  });

  it('is written at the given offset only', () => {
    const target = Buffer.alloc(8, 0xee);
    expect(writeHeader(target, 3, OPCODE.text, 300)).toBe(7);
    expect(target.toString('hex')).toBe('eeeeee817e012cee');
  });

  it('with a control opcode has this opcode and its body', () => {
    expect(controlFrame(OPCODE.ping, new Uint8Array(0)).toString('hex')).toBe('8900');
    expect(controlFrame(OPCODE.pong, Buffer.from('ab')).toString('hex')).toBe('8a026162');
    expect(controlFrame(OPCODE.close, Buffer.alloc(125))).toHaveLength(127);
  });
});
