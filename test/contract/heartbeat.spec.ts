import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { OPCODE } from '../../src/protocol/index.js';
import { connect, type Client } from '../support/client.js';
import { clientFrame, envelopeFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { threadTimeMs } from '../support/thread-clock.js';

const HEARTBEAT_MS = 200;

describe('the heartbeat', () => {
  let server: TestServer;
  /** A session that answers pings. */
  let observer: Client;

  beforeAll(async () => {
    server = await startServer({ HEARTBEAT_MS: String(HEARTBEAT_MS), ARRIVAL_NOTICES: 'off' });
    observer = await connect(server.url);
  });
  afterAll(() => server.stop());

  it('is a ping frame every heartbeatMs', async () => {
    const client = await RawClient.open(server.port);
    const [startMs, startThreadMs] = [performance.now(), threadTimeMs()];
    for (let count = 0; count < 3; count++) {
      const ping = await client.next(OPCODE.ping);
      client.write(clientFrame(ping.body, { opcode: OPCODE.pong }));
    }
    expect(performance.now() - startMs).toBeGreaterThan(2 * HEARTBEAT_MS);
    expect(threadTimeMs() - startThreadMs).toBeLessThan(5 * HEARTBEAT_MS);
    client.socket.destroy();
    await observer.next('sys.departed');
  });

  it('closes a session with 4101 that is silent for a whole interval, and notifies the others at once', async () => {
    const silent = await RawClient.open(server.port);
    const [startMs, startThreadMs] = [performance.now(), threadTimeMs()];
    expect(await observer.next('sys.departed')).toEqual({
      type: 'sys.departed',
      sender: silent.id,
      receiver: '*',
      data: { code: 4101 },
    });
    expect(performance.now() - startMs).toBeGreaterThan(HEARTBEAT_MS);
    expect(threadTimeMs() - startThreadMs).toBeLessThan(4 * HEARTBEAT_MS);
    expect(await silent.closed()).toEqual({ code: 4101, reason: 'heartbeat_missed' });
    // Frames sent before the socket is destroyed have no effect.
    silent.write(envelopeFrame({ type: 'late', receiver: '*' }), envelopeFrame({ type: 'sys.ping' }));
    await silent.gone;
    await observer.settled();
    expect(observer.inbox).toEqual([]);
    expect(silent.frames).toEqual([]);
    silent.socket.destroy();
  });

  it('allocates no tracker for a session that answers, and emits pongs to listeners of the socket', async () => {
    const client = await RawClient.open(server.port);
    const socket = server.app.get(SessionRegistry).find(client.id)!.connection as GatewaySocket;
    const [pong, echo] = [
      clientFrame('body', { opcode: OPCODE.pong }),
      envelopeFrame({ type: 'echo', receiver: client.id }),
    ];
    client.write(pong, echo);
    await client.next(OPCODE.text);
    expect(socket.frameTracker).toBeUndefined();

    const bodies: string[] = [];
    socket.on('pong', (body: Buffer) => bodies.push(body.toString()));
    client.write(pong, pong, echo);
    await client.next(OPCODE.text);
    expect(bodies).toEqual(['body', 'body']);
    client.socket.destroy();
    await observer.next('sys.departed');
  });

  it.each([
    ['messages', envelopeFrame({ type: 'quiet' })],
    ['pings', clientFrame('', { opcode: OPCODE.ping })],
    ['pongs', clientFrame('', { opcode: OPCODE.pong })],
    ['single bytes of a long frame', clientFrame('x'.repeat(60_000)).subarray(0, 1)],
  ])('counts any traffic as activity: %s', async (_, traffic) => {
    const client = await RawClient.open(server.port);
    const [first] = traffic;
    const rest = clientFrame('x'.repeat(60_000)).subarray(1);
    let sent = 0;
    const talk = setInterval(() => {
      const next = traffic.length > 1 ? traffic : sent === 0 ? Buffer.from([first!]) : rest.subarray(sent - 1, sent);
      sent++;
      client.write(next);
    }, HEARTBEAT_MS / 8);
    for (let count = 0; count < 4; count++) await client.next(OPCODE.ping);
    clearInterval(talk);
    expect(observer.inbox).toEqual([]);
    client.socket.destroy();
    expect(await observer.next('sys.departed')).toMatchObject({ sender: client.id, data: { code: 1006 } });
  });
});

describe('the heartbeat of a client that has bytes to read', () => {
  const LONG = 'x'.repeat(60_000);
  let server: TestServer;
  let sender: Client;
  /** A session that answers pings and counts them. */
  let clock: RawClient;
  let beats: number;

  beforeAll(async () => {
    server = await startServer({
      HEARTBEAT_MS: String(HEARTBEAT_MS),
      MIN_BYTES_PER_SECOND: '10000', // the long message may take six seconds, 30 heartbeats
      ARRIVAL_NOTICES: 'off',
    });
    sender = await connect(server.url);
  });
  afterAll(() => server.stop());

  /** Opens a session that is sent a long message, and a clock behind it, whose pings so come no earlier. */
  async function open(): Promise<RawClient> {
    const client = await RawClient.open(server.port);
    client.socket.pause();
    sender.send({ type: 'long', receiver: client.id, data: LONG, id: 'long' });
    await sender.answer('long');
    clock = await RawClient.open(server.port);
    beats = 0;
    return client;
  }

  /** Answers the next ping of a session. */
  async function answerPing(client: RawClient): Promise<void> {
    const { body } = await client.next(OPCODE.ping);
    client.write(clientFrame(body, { opcode: OPCODE.pong }));
  }

  async function beatUntil(done: () => boolean): Promise<void> {
    for (; !done(); beats++) await answerPing(clock);
  }

  /** Counts heartbeats until the departure of a session is notified. */
  async function beatsUntilDeparture(client: RawClient): Promise<number> {
    let departed: unknown;
    void sender.next('sys.departed').then((notice) => (departed = notice));
    await beatUntil(() => departed !== undefined);
    expect(departed).toMatchObject({ sender: client.id, data: { code: 4101 } });
    client.socket.destroy();
    clock.socket.destroy();
    await sender.next('sys.departed');
    return beats;
  }

  it('waits for a client that reads what was sent before the ping', async () => {
    const client = await open();
    await beatUntil(() => beats === 5);
    client.socket.resume();
    expect((await client.envelopeOf('long')).data).toBe(LONG);
    for (let count = 0; count < 6; count++) await answerPing(client);
    client.write(envelopeFrame({ type: 'sys.ping', data: 'alive' }));
    expect((await client.envelopeOf('sys.pong')).data).toBe('alive');
    for (const { socket } of [client, clock]) socket.destroy();
    for (let count = 0; count < 2; count++) await sender.next('sys.departed');
  });

  it('closes with 4101 a client that reads nothing for eight further intervals', async () => {
    const dead = await open();
    const silentBeats = await beatsUntilDeparture(dead);
    expect(silentBeats).toBeGreaterThanOrEqual(8);
    expect(silentBeats).toBeLessThanOrEqual(12);
  });

  it('does not wait for a client that has confirmed what it was sent', async () => {
    const client = await open();
    client.socket.resume();
    for (let count = 0; count < 2; count++) {
      await answerPing(client);
      await answerPing(clock);
    }
    expect(await beatsUntilDeparture(client)).toBeLessThanOrEqual(4);
  });
});
