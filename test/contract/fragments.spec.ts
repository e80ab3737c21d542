import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPCODE } from '../../src/protocol/index.js';
import { clientFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';

const MAX_MESSAGE_BYTES = 1_048_576;
const PING = clientFrame('', { opcode: OPCODE.ping });
const POLICY = { code: 1008, reason: 'policy' };

describe.each(['on', 'off'])('a message in fragments (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ FAST_LANE, MAX_MESSAGE_BYTES: String(MAX_MESSAGE_BYTES), ARRIVAL_NOTICES: 'off' });
  });
  afterAll(() => server.stop());

  /** Cuts a message of so many bytes to a session into pieces. */
  function pieces(to: string, bytes: number, piece: number): Buffer[] {
    const head = `{"type":"long","id":"1","receiver":"${to}","data":"`;
    const text = Buffer.from(`${head}${'x'.repeat(bytes - head.length - 2)}"}`);
    const count = Math.ceil(bytes / piece);
    return Array.from({ length: count }, (_, index) =>
      clientFrame(text.subarray(index * piece, (index + 1) * piece), {
        opcode: index === 0 ? OPCODE.text : OPCODE.continuation,
        final: index === count - 1,
      }),
    );
  }

  it.each([
    ['64 bytes', 60_000, 64],
    ['100 bytes', 60_000, 100],
    ['512 bytes', 60_000, 512],
    ['4 KiB', 600_000, 4096],
    ['8 KiB', 600_000, 8192],
    ['16 KiB', 1_048_576, 16_384],
  ])('is delivered in pieces of %s', async (_, bytes, piece) => {
    const [sender, receiver] = [await RawClient.open(server.port), await RawClient.open(server.port)];
    sender.write(...pieces(receiver.id, bytes, piece));
    expect(await sender.envelopeOf('sys.ack')).toMatchObject({ ref: '1', data: { status: 'routed' } });
    expect(JSON.stringify(await receiver.envelopeOf('long')).length).toBeGreaterThan(bytes);
    for (const { socket } of [sender, receiver]) socket.destroy();
  });

  it('is delivered with pings between, and after messages that were as long', async () => {
    const [sender, receiver] = [await RawClient.open(server.port), await RawClient.open(server.port)];
    for (let round = 0; round < 3; round++) {
      sender.write(...pieces(receiver.id, 30_000, 128).flatMap((each) => [each, PING]));
      expect(await sender.envelopeOf('sys.ack')).toMatchObject({ ref: '1', data: { status: 'routed' } });
    }
    for (const { socket } of [sender, receiver]) socket.destroy();
  });

  it.each([
    ['of one byte', 1, 1000],
    ['of one byte after a long one', 30_000, 1000],
    ['that are empty', 0, 1000],
    ['of 63 bytes, for long', 63, 10_000],
  ])('closes the session with 1008 for fragments %s', async (_, bytes, count) => {
    const client = await RawClient.open(server.port);
    const [first, rest] = bytes > 63 ? [bytes, 1] : [bytes, bytes];
    client.write(clientFrame(' '.repeat(first), { final: false }));
    const fragment = clientFrame(' '.repeat(rest), { opcode: OPCODE.continuation, final: false });
    client.write(...Array.from({ length: count }, () => fragment));
    expect(await client.closed()).toEqual(POLICY);
    await client.gone;
    client.socket.destroy();
  });
});
