import { describe, expect, it } from 'vitest';
import { PingRecord } from '../../src/gateway/frames/ping-record.js';

/** Records pings 1, 2, … behind so many bytes each. */
function recordOf(...bytesBefore: readonly number[]): PingRecord {
  const record = new PingRecord();
  for (const [index, bytes] of bytesBefore.entries()) record.sent(index + 1, bytes);
  return record;
}

describe('the record of pings', () => {
  it('takes the pong to the newest ping as an answer to all', () => {
    const record = recordOf(1_000_000, 1_000_100);
    expect(record.unconfirmedBytes).toBe(1_000_000);
    record.answered(2);
    expect([record.unconfirmedBytes, record.confirmedBytes]).toEqual([0, 1_000_100]);
    record.sent(3, 1_000_200);
    expect(record.unconfirmedBytes).toBe(100);
    record.answered(3);
    expect(record.unconfirmedBytes).toBe(0);
  });

  it('confirms what was sent before the ping of the pong, and no more', () => {
    const record = recordOf(100, 300, 700);
    record.answered(2);
    expect([record.unconfirmedBytes, record.confirmedBytes]).toEqual([400, 300]);
    record.answered(1); // again
    expect([record.unconfirmedBytes, record.confirmedBytes]).toEqual([400, 300]);
  });

  it.each([0, 4, 2 ** 32 - 1])('ignores the pong to a ping that was never sent: %i', (number) => {
    const record = recordOf(100, 300, 700);
    record.answered(number);
    expect([record.unconfirmedBytes, record.confirmedBytes]).toEqual([100, 0]);
  });

  it('sees that the client reads by the bytes that the system takes, where bytes wait for it', () => {
    const record = recordOf();
    const steps = [
      [1000, false, false], // says nothing, because the buffers of the system had room
      [2000, true, false],
      [2099, true, false],
      [2100, true, true], // since the last progress, not since the last check
      [2100, true, false],
      [2200, false, true],
      [9000, false, false],
    ] as const;
    for (const [taken, isWaiting, progress] of steps)
      expect([taken, record.progressed(taken, isWaiting, 100)]).toEqual([taken, progress]);
  });

  it('stays right with more pings than it keeps', () => {
    const bytes = Array.from({ length: 100 }, (_, index) => 10 * index);
    const [middle, newest] = [recordOf(...bytes), recordOf(...bytes)];
    middle.answered(50);
    expect(middle.confirmedBytes).toBeGreaterThan(0);
    expect(middle.confirmedBytes).toBeLessThanOrEqual(bytes[49]!);
    newest.answered(100);
    expect([newest.unconfirmedBytes, newest.confirmedBytes]).toEqual([0, bytes[99]]);
  });
});
