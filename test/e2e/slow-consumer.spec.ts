import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { textFrame } from '../../src/protocol/index.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { clientFrame } from '../support/client-frames.js';
import { connect, type Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { answerTo, flood, StalledReader, type Flood } from '../support/stalled-reader.js';
import { threadTimeMs } from '../support/thread-clock.js';

const MARK = 262_144;
const BYTES = 30_000;
const MANY = 1_000_000_000;

const gap = (receiver: string, messages: number) => ({
  type: 'sys.gap',
  sender: 'server',
  receiver,
  data: { messages, notices: 0 },
});

function untilRefused({ refused }: Flood): boolean {
  return refused.length === 3;
}

describe('a session that does not read', () => {
  let server: TestServer;
  afterEach(() => server.stop());

  async function start(variables: Record<string, string>): Promise<Client> {
    server = await startServer({
      OUTBOX_HIGH_WATER_BYTES: String(MARK),
      SLOW_CONSUMER_MS: String(60_000),
      ...variables,
    });
    return connect(server.url);
  }

  it('gets accepted messages in order, and none that were refused, after it reads again in time', async () => {
    const sender = await start({});
    const stalled = await StalledReader.open(server);
    const sent = await flood(sender, stalled.id, BYTES, untilRefused);
    expect(stalled.waitingBytes).toBeGreaterThan(MARK);
    expect(stalled.waitingBytes).toBeLessThan(MARK + 2 * BYTES);
    sender.send({ type: 'all', receiver: '*', id: 'b' });
    expect((await answerTo(sender, 'b')).data).toEqual({ status: 'accepted', skipped: 1 });
    const third = await connect(server.url);
    await third.close(1000);

    await stalled.readUntil(() => stalled.read().some(({ type }) => type === 'sys.departed'));
    const read = stalled.read();
    expect(read.filter(({ type }) => type === 'flood').map(({ id }) => id)).toEqual(sent.routed);
    expect(read.filter(({ type }) => type !== 'flood')).toEqual([
      gap(stalled.id, 1),
      expect.objectContaining({ type: 'sys.arrived', sender: third.id }),
      expect.objectContaining({ type: 'sys.departed', sender: third.id }),
    ]);
    sender.send({ type: 'again', receiver: stalled.id, id: 'again' });
    expect((await answerTo(sender, 'again')).data).toEqual({ status: 'routed' });
    await stalled.readUntil(() => stalled.read().some(({ type }) => type === 'again'));
    expect(stalled.waitingBytes).toBe(0);
    expect(server.app.get(SessionRegistry).slowConsumers.totalBytes).toBe(0);
  });

  it('gets the number of broadcasts that it missed, at their place among all that it is sent', async () => {
    const sender = await start({ NOTICE_SCOPE: 'none', ARRIVAL_NOTICES: 'off' });
    const other = await connect(server.url);
    const stalled = await StalledReader.open(server);
    let broadcasts = 0;
    const broadcast = async (count: number): Promise<void> => {
      for (let sent = 0; sent < count; sent++)
        sender.send({ type: 'all', receiver: '*', id: `all/${broadcasts++}`, data: 'a'.repeat(100) });
      await sender.settled();
    };
    await broadcast(3);
    await flood(sender, stalled.id, BYTES, untilRefused);
    await broadcast(20);
    stalled.session.send(textFrame('{"type":"owed"}')); // sent despite the mark, as an acknowledgement is
    await broadcast(7);
    await stalled.readUntil(() => stalled.read().filter(({ type }) => type === 'sys.gap').length === 2);
    await broadcast(2);
    await stalled.readUntil(() => stalled.read().at(-1)?.id === `all/${broadcasts - 1}`);

    const read = stalled.read().filter(({ type }) => type !== 'flood');
    const order = 'all/0 all/1 all/2 sys.gap owed sys.gap all/30 all/31';
    expect(read.map(({ type, id }) => id ?? type).join(' ')).toBe(order);
    expect(read.filter(({ type }) => type === 'sys.gap')).toEqual([gap(stalled.id, 20), gap(stalled.id, 7)]);
    const received = other.inbox.map(({ type, id }) => id ?? type);
    expect(received).toEqual(Array.from({ length: broadcasts }, (_, index) => `all/${index}`));
    expect(sender.inbox.filter(({ type }) => type === 'sys.gap')).toEqual([]);
  });

  it('gets no gap for the messages that were refused, because their senders got the errors', async () => {
    const sender = await start({ NOTICE_SCOPE: 'none', ARRIVAL_NOTICES: 'off' });
    const stalled = await StalledReader.open(server);
    const { routed } = await flood(sender, stalled.id, BYTES, untilRefused);
    await stalled.readUntil(() => stalled.waitingBytes === 0);
    sender.send({ type: 'last', receiver: stalled.id });
    await stalled.readUntil(() => stalled.read().at(-1)?.type === 'last');
    expect(stalled.read().map(({ id }) => id)).toEqual([...routed, undefined]);
  });

  it('is not read from above the high-water mark, and is read again once drained', async () => {
    const sender = await start({});
    const stalled = await StalledReader.open(server);
    await flood(sender, stalled.id, BYTES, untilRefused);
    stalled.client.socket.write(clientFrame(`{"type":"late","receiver":"${sender.id}"}`));
    const observer = await connect(server.url);
    for (let round = 0; round < 50; round++) await observer.settled();
    await sender.settled();
    expect(sender.inbox.filter(({ type }) => type === 'late')).toEqual([]);
    const late = sender.next('late');
    await stalled.readUntil(() => stalled.waitingBytes === 0);
    expect((await late).sender).toBe(stalled.id);
  });

  it('is closed with 4100 after three times SLOW_CONSUMER_MS, with a departure notice', async () => {
    const sender = await start({ SLOW_CONSUMER_MS: '200' });
    const stalled = await StalledReader.open(server);
    const [begunMs, begunThreadMs] = [performance.now(), threadTimeMs()];
    const { routed } = await flood(sender, stalled.id, BYTES, untilRefused);
    const departed = await sender.next('sys.departed');
    expect(performance.now() - begunMs).toBeGreaterThan(3 * 200);
    expect(threadTimeMs() - begunThreadMs).toBeLessThan(20 * 200);
    expect(departed).toMatchObject({ sender: stalled.id, data: { code: 4100 } });
    sender.send({ type: 'a', receiver: stalled.id, id: 'gone' });
    expect((await answerTo(sender, 'gone')).data).toMatchObject({ code: 'receiver_not_found' });
    await stalled.readUntil(() => stalled.closeLine !== undefined);
    expect(stalled.closeLine).toBe('close 4100 slow_consumer');
    const read = stalled.read().map(({ id }) => id);
    expect(read).toEqual(routed.slice(0, read.length));
    expect(server.app.get(SessionRegistry).slowConsumers.totalBytes).toBe(0);
  });

  it('is destroyed if it neither reads nor answers the close frame, and releases its memory', async () => {
    const sender = await start({ SLOW_CONSUMER_MS: '200' });
    const stalled = await StalledReader.open(server);
    await flood(sender, stalled.id, BYTES, untilRefused);
    const { socket } = stalled;
    await once(socket, 'close');
    expect(stalled.waitingBytes).toBe(0);
    expect(server.app.get(SessionRegistry).size).toBe(1);
    expect(
      sender.inbox.concat(await sender.next('sys.departed')).filter(({ type }) => type === 'sys.departed'),
    ).toHaveLength(1);
  });

  it('is not closed by the heartbeat above the mark, because its pongs are not read', async () => {
    const sender = await start({ HEARTBEAT_MS: '200', SLOW_CONSUMER_MS: '400' });
    const stalled = await StalledReader.open(server);
    await flood(sender, stalled.id, BYTES, untilRefused);
    expect((await sender.next('sys.departed')).data).toEqual({ code: 4100 });
  });

  it('is no longer counted after its connection is cut', async () => {
    const sender = await start({});
    const stalled = await StalledReader.open(server);
    await flood(sender, stalled.id, BYTES, untilRefused);
    const { slowConsumers } = server.app.get(SessionRegistry);
    expect(slowConsumers.totalBytes).toBeGreaterThan(MARK);
    stalled.client.socket.resetAndDestroy();
    await sender.next('sys.departed');
    await expect.poll(() => slowConsumers.totalBytes).toBe(0);
  });

  it('is destroyed within two seconds if it has closed its half of the connection and does not read', async () => {
    const sender = await start({ OUTBOX_HIGH_WATER_BYTES: String(MANY) });
    const stalled = await StalledReader.open(server);
    await flood(sender, stalled.id, BYTES, () => stalled.waitingBytes > MARK);
    const gone = once(stalled.socket, 'close');
    stalled.client.socket.end();
    expect(await sender.next('sys.departed')).toMatchObject({ sender: stalled.id, data: { code: 1006 } });
    const begunMs = threadTimeMs();
    await gone;
    expect(threadTimeMs() - begunMs).toBeLessThan(2000);
  });

  it('is closed first over the memory budget if its buffer is the largest', async () => {
    const sender = await start({ OUTBOX_HIGH_WATER_BYTES: String(MANY), MEMORY_BUDGET_BYTES: '3000000' });
    const light = await StalledReader.open(server);
    const heavy = await StalledReader.open(server);
    await flood(sender, light.id, BYTES, () => light.waitingBytes > 500_000);
    await flood(sender, heavy.id, BYTES, () => heavy.session.closed);
    expect(await sender.next('sys.departed')).toMatchObject({ sender: heavy.id, data: { code: 1013 } });
    expect(light.session.closed).toBe(false);
    await heavy.readUntil(() => heavy.closeLine !== undefined);
    expect(heavy.closeLine).toBe('close 1013 overloaded');
    const { totalBytes } = server.app.get(SessionRegistry).slowConsumers;
    expect(totalBytes).toBe(light.waitingBytes);
    await light.readUntil(() => light.waitingBytes === 0);
  });

  it('is departed for its peer even if it is shed during a write to that peer', async () => {
    const budget = 1_000_000;
    await start({
      OUTBOX_HIGH_WATER_BYTES: String(MANY),
      MEMORY_BUDGET_BYTES: String(budget),
      NOTICE_SCOPE: 'peers',
      ARRIVAL_NOTICES: 'off',
    });
    const [heavy, peer] = [await StalledReader.open(server), await StalledReader.open(server)];
    heavy.client.socket.write(clientFrame(`{"type":"hello","receiver":"${peer.id}"}`));
    await peer.readUntil(() => peer.read().some(({ type }) => type === 'hello'), 'pause');
    const switchboard = server.app.get(Switchboard, { strict: false });
    while (heavy.waitingBytes < budget - 2 * BYTES) {
      switchboard.send('server', heavy.id, 'big', 'b'.repeat(BYTES));
      await turn();
    }
    // All in one turn, because the heavy session is shed when the peer's socket fills up.
    const sent = 15;
    for (let count = 0; count < sent; count++) switchboard.send('server', peer.id, 'huge', 'h'.repeat(10 * BYTES));
    await peer.readUntil(() => peer.read().filter(({ type }) => type === 'huge').length === sent);
    await peer.readUntil(() => peer.read().some(({ type }) => type === 'sys.departed'));
    const received = peer.read().filter(({ type }) => type !== 'hello');
    expect(received.filter(({ type }) => type === 'sys.departed').map(({ sender }) => sender)).toEqual([heavy.id]);
    expect(received).toHaveLength(sent + 1);
  });

  it('may be shed when all its buffered bytes are already in the socket', async () => {
    const sender = await start({ OUTBOX_HIGH_WATER_BYTES: String(MANY), MEMORY_BUDGET_BYTES: '30000000' });
    const heavy = await StalledReader.open(server);
    await flood(sender, heavy.id, BYTES, () => heavy.waitingBytes > 25_000_000);
    await heavy.readUntil(() => heavy.socket.writableLength > 10_000_000, 'pause');
    const light = await StalledReader.open(server);
    await flood(sender, light.id, BYTES, () => heavy.session.closed);
    expect(light.session.closed).toBe(false);
    expect(await sender.next('sys.departed')).toMatchObject({ sender: heavy.id, data: { code: 1013 } });
    await sender.settled();
    await heavy.readUntil(() => heavy.closeLine !== undefined);
    expect(heavy.closeLine).toBe('close 1013 overloaded');
  });
});
