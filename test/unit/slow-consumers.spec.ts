import { describe, expect, it } from 'vitest';
import { textFrame } from '../../src/protocol/index.js';
import type { Session } from '../../src/sessions/session.js';
import { FakeConnection, newRegistry, openSession } from '../support/sessions.js';

const MARK = 16_384;
const SLOW_CONSUMER_MS = 100;
/** Checks of a session during SLOW_CONSUMER_MS. */
const CHECKS = 10;
/** Bytes that are progress within SLOW_CONSUMER_MS. */
const PROGRESS_BYTES = 1000;

/** A connection whose system takes bytes at a steady rate, however late a busy machine checks. */
class DrainingConnection extends FakeConnection {
  checks = 0;
  bytesPerMs = 0;
  #taken = 0;
  #checkedMs = performance.now();

  override get takenBytes(): number {
    this.checks++;
    const nowMs = performance.now();
    this.#taken += (nowMs - this.#checkedMs) * this.bytesPerMs;
    this.#checkedMs = nowMs;
    return this.#taken;
  }
}

describe('a session over the high-water mark', () => {
  /** Opens a session for which more bytes wait than the mark allows. */
  function open(bytesPerMs: number): { session: Session; connection: DrainingConnection } {
    const registry = newRegistry({
      OUTBOX_HIGH_WATER_BYTES: String(MARK),
      SLOW_CONSUMER_MS: String(SLOW_CONSUMER_MS),
      MIN_BYTES_PER_SECOND: String((PROGRESS_BYTES * 1000) / SLOW_CONSUMER_MS),
    });
    const connection = new DrainingConnection();
    connection.bytesPerMs = bytesPerMs;
    connection.sink.stalled = true;
    const { session } = openSession(registry, connection);
    session.send(textFrame(JSON.stringify({ type: 'long', data: 'x'.repeat(4 * MARK) })));
    return { session, connection };
  }

  it('stays open while its client reads, and is closed with 4100 once the client stops', async () => {
    const { session, connection } = open((2 * PROGRESS_BYTES) / SLOW_CONSUMER_MS);
    await expect.poll(() => connection.checks).toBeGreaterThan(4 * CHECKS);
    expect(session.closed).toBe(false);
    connection.bytesPerMs = 0;
    await expect.poll(() => connection.closedWith).toBe(4100);
  });

  it('is closed with 4100 where its client reads less than MIN_BYTES_PER_SECOND', async () => {
    const { connection } = open((0.01 * PROGRESS_BYTES) / SLOW_CONSUMER_MS);
    await expect.poll(() => connection.closedWith).toBe(4100);
    expect(connection.checks).toBeLessThanOrEqual(2 * CHECKS);
  });
});
