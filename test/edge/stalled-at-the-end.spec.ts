import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { Drain } from '../../src/ops/shutdown/drain.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { SlowConsumers } from '../../src/sessions/slow-consumers.js';
import { clientFrame } from '../support/client-frames.js';
import { connect, type Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { flood, StalledReader } from '../support/stalled-reader.js';

const MARK = 262_144;
const BYTES = 30_000;
const MANY = '1000000000';

describe('a session that does not read', () => {
  let server: TestServer;
  let sender: Client;
  afterEach(() => server.stop());

  async function start(variables: Record<string, string> = {}): Promise<SlowConsumers> {
    server = await startServer({
      OUTBOX_HIGH_WATER_BYTES: String(MARK),
      SLOW_CONSUMER_MS: '60000',
      ARRIVAL_NOTICES: 'off',
      ...variables,
    });
    sender = await connect(server.url);
    return server.app.get(SessionRegistry).slowConsumers;
  }

  async function stalled(bytes = MARK): Promise<StalledReader> {
    const reader = await StalledReader.open(server);
    await flood(sender, reader.id, BYTES, () => reader.waitingBytes > bytes);
    return reader;
  }

  it('is counted with what waits for it until its socket is gone, however it ends', async () => {
    const slowConsumers = await start();
    const kicked = await stalled();
    const before = slowConsumers.totalBytes;
    expect(before).toBeGreaterThan(MARK);
    const gone = once(kicked.socket, 'close');
    kicked.session.close(4000);
    expect(kicked.session.closed).toBe(true);
    expect(slowConsumers.totalBytes).toBeGreaterThanOrEqual(before);
    await sender.settled();
    expect(slowConsumers.totalBytes).toBeGreaterThanOrEqual(before);
    await gone;
    await expect.poll(() => slowConsumers.totalBytes).toBe(0);

    const halfClosed = await stalled();
    halfClosed.client.socket.end();
    expect((await sender.next('sys.departed')).sender).toBe(kicked.id);
    expect((await sender.next('sys.departed')).sender).toBe(halfClosed.id);
    expect(slowConsumers.totalBytes).toBeGreaterThan(MARK);
    await expect.poll(() => slowConsumers.totalBytes).toBe(0);
  });

  it('is counted no more once it has read all, although its socket is still open', async () => {
    const slowConsumers = await start();
    const kicked = await stalled();
    kicked.session.close(4000);
    const { socket } = kicked;
    await kicked.readUntil(() => socket.writableLength === 0);
    expect(slowConsumers.totalBytes).toBe(0);
  });

  it('ends no session that is open, because closed ones still hold memory, and is cut when those hold too much', async () => {
    const slowConsumers = await start({ OUTBOX_HIGH_WATER_BYTES: MANY, MEMORY_BUDGET_BYTES: '3000000' });
    const open = await stalled(500_000);
    const ended: StalledReader[] = [];
    while (ended.length < 6) {
      const next = await stalled(1_200_000);
      ended.push(next);
      next.session.close(4000);
    }
    await sender.settled();
    expect(open.session.closed).toBe(false);
    expect(slowConsumers.totalBytes).toBeLessThan(6_000_000 + 4 * BYTES);
    expect(ended.some(({ socket }) => socket.destroyed)).toBe(true);
    await expect.poll(() => slowConsumers.totalBytes).toBe(open.waitingBytes);
  });

  it('is not read from again because it has drained, once the node drains', async () => {
    const slowConsumers = await start({ DRAIN_TIMEOUT_MS: '20000', DRAIN_SPREAD_MS: '0' });
    const [first, second] = [await stalled(), await stalled()];
    first.client.socket.write(clientFrame(`{"type":"late","receiver":"${sender.id}"}`));
    const drained = server.app.get(Drain, { strict: false }).run();
    await sender.next('sys.reconnect');
    await expect.poll(() => (sender.socket.ping(), first.session.connection!.isPaused)).toBe(true);
    // Both are paused by the drain after the handlers; the witness is paused only by that.
    const witness = server.app.get(SessionRegistry).find(sender.id)!;
    await expect.poll(() => witness.connection!.isPaused).toBe(true);
    await first.readUntil(() => first.waitingBytes === 0);
    expect(first.session.connection!.isPaused).toBe(true);
    await second.readUntil(() => second.client.over);
    await first.readUntil(() => first.client.over);
    await sender.closed;
    await drained;
    expect(sender.inbox.filter(({ type }) => type === 'late')).toEqual([]);
    expect([first.closeLine, second.closeLine]).toEqual(Array(2).fill('close 1012 service_restart'));
    expect(slowConsumers.totalBytes).toBe(0);
  });
});
