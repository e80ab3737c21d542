import { setImmediate as tick } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { afterSent, type SentCallback } from '../../src/gateway/sent-callbacks.js';
import { textFrame, welcomeFrame } from '../../src/protocol/index.js';
import { ReplayBudget } from '../../src/resume/replay-budget.js';
import { ReplayBuffer } from '../../src/resume/replay-buffer.js';
import { SessionResumption } from '../../src/resume/session-resumption.js';
import { BlockPool } from '../../src/sessions/block-pool.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import type { Settings } from '../../src/settings/settings.js';
import { FakeConnection, IDENTITY, newRegistry } from '../support/sessions.js';

const HIGH_WATER_BYTES = 100_000;
const FRAME_BYTES = 20_000;
/** Frames that the window of a session holds at least. */
const IN_WINDOW = 14;
const FRAMES = 40;

describe('a session whose client reports late', () => {
  let registry: SessionRegistry;
  let session: Session;
  let connection: FakeConnection;
  let replay: ReplayBuffer;

  beforeEach(() => {
    registry = newRegistry({ OUTBOX_HIGH_WATER_BYTES: String(HIGH_WATER_BYTES) });
    replay = new ReplayBuffer(1024, new ReplayBudget({ resumeBudgetBytes: 10_000_000 } as Settings, new BlockPool()));
    connection = new FakeConnection();
    session = registry.create({ ...IDENTITY });
    session.makeResumable(new SessionResumption(replay, { add: () => undefined }));
    session.attach(connection);
    registry.open(session, welcomeFrame(session.id, {} as never));
  });

  async function sendAll(): Promise<void> {
    for (let number = 0; number < FRAMES; number++) {
      session.send(textFrame(JSON.stringify({ type: String(number), data: 'x'.repeat(FRAME_BYTES) })));
      await tick();
    }
  }

  const types = (count: number): string[] => [
    'sys.welcome',
    ...Array.from({ length: count }, (_, index) => `${index}`),
  ];

  it('is sent no more than the window, and is read from meanwhile, because its report must be read', async () => {
    await sendAll();
    expect(connection.types).toEqual(types(IN_WINDOW));
    expect(session.outbox.overloaded).toBe(true);
    expect([connection.isPaused, session.outbox.saturated]).toEqual([false, false]);
  });

  it('is sent no more than the window in one turn', async () => {
    for (let number = 0; number < FRAMES; number++)
      session.send(textFrame(JSON.stringify({ type: String(number), data: 'x'.repeat(FRAME_BYTES) })));
    await tick();
    expect(connection.types).toEqual(types(IN_WINDOW));
    expect(replay.forget(IN_WINDOW, true)).toBe(true);
    session.outbox.seen();
    for (let turns = 0; turns < 6; turns++) await tick();
    expect(connection.types.slice(0, 2 * IN_WINDOW)).toEqual(types(2 * IN_WINDOW - 1));
    expect(connection.types.length).toBeLessThan(2 * IN_WINDOW + 5); // a turn may exceed the window by 64 KiB
  });

  it('is sent the rest in order with each report', async () => {
    await sendAll();
    for (let seen = 5; replay.sent < FRAMES; seen += 5) {
      expect(replay.forget(seen, true)).toBe(true);
      session.outbox.seen();
      await tick();
    }
    expect(connection.types).toEqual(types(FRAMES));
    expect(session.outbox.overloaded).toBe(false);
  });

  it('is not read from while its socket is full, until the socket has drained', async () => {
    connection.sink.stalled = true;
    await sendAll();
    expect(connection.isPaused).toBe(true);
    connection.sink.resume();
    for (let turns = 0; turns < 6; turns++) await tick(); // so many write the window
    expect([connection.isPaused, session.outbox.saturated]).toEqual([false, false]);
  });

  /** Calls back as `client.send(text, callback)` does. */
  function callBack(callback: SentCallback): void {
    const sink = Object.assign(connection.sink, { socket: connection.sink });
    afterSent(session, Object.assign(connection, { sink }) as unknown as Parameters<typeof afterSent>[1], callback);
  }

  it('is sent no more than the window for a callback, which waits for the reports', async () => {
    await sendAll();
    const calls: (Error | undefined)[] = [];
    callBack((error) => calls.push(error));
    callBack((error) => calls.push(error));
    await tick();
    expect([connection.types.length, calls]).toEqual([IN_WINDOW + 1, []]);
    for (let seen = 5; replay.sent < FRAMES; seen += 5) {
      expect(calls).toEqual([]);
      expect(replay.forget(seen, true)).toBe(true);
      session.outbox.seen();
      await tick();
    }
    await tick();
    expect(calls).toEqual([undefined, undefined]);
    expect(connection.types).toEqual(types(FRAMES));
  });

  it('gives its callback an error where the connection is lost', async () => {
    await sendAll();
    const called = new Promise<Error | undefined>((resolve) => callBack(resolve));
    connection.sink.destroy();
    expect(await called).toMatchObject({ message: 'WebSocket is not open: the connection is lost' });
  });

  it('is sent frames again when its socket drains, where all was written past the window', async () => {
    await sendAll();
    connection.sink.stalled = true;
    session.outbox.flushAll();
    session.send(textFrame('{"type":"last"}'));
    await tick();
    expect(replay.forget(FRAMES, true)).toBe(true);
    session.outbox.seen();
    connection.sink.resume();
    await tick();
    expect(connection.types).toEqual([...types(FRAMES), 'last']);
  });
});
