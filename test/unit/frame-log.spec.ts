import { describe, expect, it } from 'vitest';
import { FrameLog } from '../../src/messaging/frame-log.js';
import { textFrame } from '../../src/protocol/index.js';

describe('a log of frames', () => {
  it('joins the frames from any index on, also after further ones came', () => {
    const log = new FrameLog();
    const frames = Array.from({ length: 50 }, (_, index) => textFrame('x'.repeat(index)));
    const runs: [Buffer, Buffer][] = [];
    for (const [last, frame] of frames.entries()) {
      log.push(frame);
      for (let from = 0; from <= last; from += 3)
        runs.push([log.joinedFrom(from), Buffer.concat(frames.slice(from, last + 1))]);
    }
    for (const [run, expected] of runs) expect(run.equals(expected)).toBe(true);
    expect(log.length).toBe(50);
  });

  it('does not copy a single frame, nor join the same frames twice', () => {
    const log = new FrameLog();
    const frame = textFrame('1');
    log.push(frame);
    expect(log.joinedFrom(0)).toBe(frame);
    log.push(textFrame('2'));
    expect(log.joinedFrom(0)).toBe(log.joinedFrom(0));
  });

  it('goes on behind frames that are dropped', () => {
    const log = new FrameLog();
    for (const text of ['1', '2', '3']) log.push(textFrame(text));
    const before = log.joinedFrom(0);
    const rest = log.after(1);
    rest.push(textFrame('4'));
    expect(rest.length).toBe(3);
    expect(rest.joinedFrom(0).toString('hex')).toBe('810132810133810134');
    expect(before.toString('hex')).toBe('810131810132810133');
  });
});
