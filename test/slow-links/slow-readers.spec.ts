import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textFrame } from '../../src/protocol/index.js';
import { startServer, type TestServer } from '../support/server.js';
import { StalledReader } from '../support/stalled-reader.js';
import { socketFolder } from '../support/unix-socket.js';

const PERIOD_MS = 300;
const MARK = 16_384;
const MESSAGE = textFrame(JSON.stringify({ type: 'long', data: 'x'.repeat(30_000) }));

describe.each(['Unix socket', 'TCP'])('a client that reads slowly, by %s', (way) => {
  let folder: ReturnType<typeof socketFolder>;
  let server: TestServer;
  beforeEach(() => (folder = socketFolder()));
  afterEach(async () => {
    await server.stop();
    folder.remove();
  });

  /** Opens a session that does not read yet, and fills the buffers of the system and of the server. */
  async function open(
    variables: Record<string, string>,
    isFilled: (reader: StalledReader) => boolean,
  ): Promise<StalledReader> {
    const path = join(folder.path, '0.sock');
    server = await startServer({ LISTEN: `unix:${path}`, ...variables });
    const reader = await StalledReader.open(server, way === 'TCP' ? server.port : path);
    for (; !isFilled(reader); await turn()) reader.session.send(MESSAGE);
    return reader;
  }

  /** Reads all, in so many periods for each fill of the system's buffers. Returns the milliseconds. */
  async function readAll(reader: StalledReader, periodsPerFill: number): Promise<number> {
    const begunMs = performance.now();
    const bytesPerSecond = (reader.session.takenBytes * 1000) / (periodsPerFill * PERIOD_MS);
    await reader.readSlowly(bytesPerSecond, () => reader.waitingBytes === 0);
    return performance.now() - begunMs;
  }

  it('stays open above the mark, although the system takes its bytes in steps', async () => {
    const reader = await open(
      { OUTBOX_HIGH_WATER_BYTES: String(MARK), SLOW_CONSUMER_MS: String(PERIOD_MS) },
      ({ waitingBytes }) => waitingBytes > MARK,
    );
    const { takenBytes } = reader.session;
    expect(await readAll(reader, 6)).toBeGreaterThan(1.5 * PERIOD_MS);
    expect(reader.session.closed).toBe(false);
    expect(reader.session.takenBytes).toBeGreaterThan(takenBytes + MARK);
  });

  it('stays open below the mark without a pong, while the bytes that wait become fewer', async () => {
    const reader = await open(
      { OUTBOX_HIGH_WATER_BYTES: '1000000000', HEARTBEAT_MS: String(PERIOD_MS) },
      ({ session, waitingBytes }) => waitingBytes > 3 * session.takenBytes,
    );
    expect(await readAll(reader, 5)).toBeGreaterThan(10 * PERIOD_MS);
    expect(reader.session.closed).toBe(false);
  });

  it('is closed with 4101 below the mark once it stops reading', async () => {
    const reader = await open(
      { OUTBOX_HIGH_WATER_BYTES: '1000000000', HEARTBEAT_MS: String(PERIOD_MS) },
      ({ session, waitingBytes }) => waitingBytes > 2 * session.takenBytes,
    );
    const { takenBytes } = reader.session;
    await reader.readSlowly((2 * takenBytes * 1000) / PERIOD_MS, () => reader.session.takenBytes > takenBytes);
    await expect.poll(() => reader.session.closed).toBe(true);
    await reader.readUntil(() => reader.client.over);
    expect(reader.closeLine).toBe('close 4101 heartbeat_missed');
  });
});
