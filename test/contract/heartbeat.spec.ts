import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { connect, type Client } from '../support/client.js';
import { frame, message, OPCODES, RawClient } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const HEARTBEAT_MS = 200;

describe('the heartbeat', () => {
  let server: TestServer;
  /** Answers pings by itself. */
  let witness: Client;

  beforeAll(async () => {
    server = await startServer({ HEARTBEAT_MS: String(HEARTBEAT_MS), ARRIVAL_NOTICES: 'off' });
    witness = await connect(server.url);
  });
  afterAll(() => server.stop());

  it('is a ping frame every heartbeatMs', async () => {
    const client = await RawClient.open(server.port);
    const startMs = performance.now();
    for (let count = 0; count < 3; count++) {
      const ping = await client.next(OPCODES.ping);
      client.write(frame(ping.body, { opcode: OPCODES.pong }));
    }
    const elapsedMs = performance.now() - startMs;
    expect(elapsedMs).toBeGreaterThan(2 * HEARTBEAT_MS);
    expect(elapsedMs).toBeLessThan(5 * HEARTBEAT_MS);
    client.socket.destroy();
    await witness.next('sys.departed');
  });

  it('closes with 4101 who is silent for a whole one, and the others are told when the server decides', async () => {
    const silent = await RawClient.open(server.port);
    const startMs = performance.now();
    expect(await witness.next('sys.departed')).toEqual({
      type: 'sys.departed',
      sender: silent.id,
      receiver: '*',
      data: { code: 4101 },
    });
    const elapsedMs = performance.now() - startMs;
    expect(elapsedMs).toBeGreaterThan(HEARTBEAT_MS);
    expect(elapsedMs).toBeLessThan(4 * HEARTBEAT_MS);
    expect(await silent.closed()).toEqual({ code: 4101, reason: 'heartbeat_missed' });
    // What it still says before its socket is gone has no effect.
    silent.write(message({ type: 'late', receiver: '*' }), message({ type: 'sys.ping' }));
    await silent.gone;
    await witness.settled();
    expect(witness.inbox).toEqual([]);
    expect(silent.frames).toEqual([]);
    silent.socket.destroy();
  });

  it('leaves nothing behind in a session that answers it, and lets whoever listens to the socket hear of pongs', async () => {
    const client = await RawClient.open(server.port);
    const socket = server.app.get(SessionRegistry).find(client.id)!.connection as GatewaySocket;
    const [pong, echo] = [frame('told', { opcode: OPCODES.pong }), message({ type: 'echo', receiver: client.id })];
    client.write(pong, echo);
    await client.next(OPCODES.text);
    expect(socket.frameTracker).toBeUndefined();

    const bodies: string[] = [];
    socket.on('pong', (body: Buffer) => bodies.push(body.toString()));
    client.write(pong, pong, echo);
    await client.next(OPCODES.text);
    expect(bodies).toEqual(['told', 'told']);
    client.socket.destroy();
    await witness.next('sys.departed');
  });

  it.each([
    ['messages', message({ type: 'quiet.word' })],
    ['pings', frame('', { opcode: OPCODES.ping })],
    ['pongs', frame('', { opcode: OPCODES.pong })],
    ['single bytes of a long frame', frame('x'.repeat(60_000)).subarray(0, 1)],
  ])('takes any traffic as life: %s', async (_, traffic) => {
    const client = await RawClient.open(server.port);
    const [first] = traffic;
    const rest = frame('x'.repeat(60_000)).subarray(1);
    let sent = 0;
    const talk = setInterval(() => {
      const next = traffic.length > 1 ? traffic : sent === 0 ? Buffer.from([first!]) : rest.subarray(sent - 1, sent);
      sent++;
      client.write(next);
    }, HEARTBEAT_MS / 8);
    for (let count = 0; count < 4; count++) await client.next(OPCODES.ping);
    clearInterval(talk);
    expect(witness.inbox).toEqual([]);
    client.socket.destroy();
    expect(await witness.next('sys.departed')).toMatchObject({ sender: client.id, data: { code: 1006 } });
  });
});
