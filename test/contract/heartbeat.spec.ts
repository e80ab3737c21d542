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
