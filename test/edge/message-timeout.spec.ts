import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPCODE } from '../../src/protocol/index.js';
import { clientFrame, envelopeFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';

const TIMEOUT_MS = 400;
/** Bytes of a message within one FRAME_TIMEOUT_MS that are progress. */
const PROGRESS_BYTES = 400;
const TOO_SLOW = { code: 4104, reason: 'too_slow' };

describe.each(['on', 'off'])('a message that is never completed (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer({
      FAST_LANE,
      FRAME_TIMEOUT_MS: String(TIMEOUT_MS),
      MIN_BYTES_PER_SECOND: String((PROGRESS_BYTES * 1000) / TIMEOUT_MS),
      ARRIVAL_NOTICES: 'off',
    });
  });
  afterEach(() => server.stop());

  /** Sends so many bytes in each quarter of FRAME_TIMEOUT_MS, which is as often as the server checks. */
  function drip(client: RawClient, bytes: Buffer, atOnce: number): NodeJS.Timeout {
    let at = 0;
    return setInterval(() => client.socket.write(bytes.subarray(at, (at += atOnce))), TIMEOUT_MS / 4);
  }

  const text = envelopeFrame({ type: 'slow', receiver: '*', data: 'x'.repeat(1000) });

  it.each([
    ['half a frame, then a byte at a time', text.subarray(0, 500), text.subarray(500)],
    ['only a byte at a time', Buffer.alloc(0), text],
    ['half a header', text.subarray(0, 1), Buffer.alloc(0)],
    [
      'a fragment, then only pings',
      clientFrame('{', { final: false }),
      Buffer.concat(Array.from({ length: 100 }, () => clientFrame('', { opcode: OPCODE.ping }))),
    ],
  ])('closes the session with 4104: %s', async (_, first, rest) => {
    const client = await RawClient.open(server.port);
    client.write(first);
    const dripping = drip(client, rest, 1);
    expect(await client.closed()).toEqual(TOO_SLOW);
    clearInterval(dripping);
    client.socket.destroy();
  });

  it('closes the session with 4104 for a message below MIN_BYTES_PER_SECOND', async () => {
    const client = await RawClient.open(server.port);
    const slow = drip(client, text, PROGRESS_BYTES / 8);
    expect(await client.closed()).toEqual(TOO_SLOW);
    clearInterval(slow);
    client.socket.destroy();
  });

  it.each([
    ['one frame', (body: string) => [envelopeFrame({ type: 'sys.ping', data: body })]],
    [
      'fragments',
      (body: string) =>
        Array.from({ length: 10 }, (_, index) =>
          clientFrame(
            JSON.stringify({ type: 'sys.ping', data: body }).slice((index * 3_030) / 10, ((index + 1) * 3_030) / 10),
            { opcode: index === 0 ? OPCODE.text : OPCODE.continuation, final: index === 9 },
          ),
        ),
    ],
  ])('is read for as long as it makes progress: %s', async (_, framesOf) => {
    const client = await RawClient.open(server.port);
    const begunMs = performance.now();
    const steady = drip(client, Buffer.concat(framesOf('x'.repeat(3000))), PROGRESS_BYTES / 2);
    expect((await client.envelopeOf('sys.pong')).data).toHaveLength(3000);
    expect(performance.now() - begunMs).toBeGreaterThan(3 * TIMEOUT_MS);
    clearInterval(steady);
    client.socket.destroy();
  });

  it('is not confused with complete messages, each sent together with the start of the next', async () => {
    const client = await RawClient.open(server.port);
    const half = text.length / 2;
    const end = performance.now() + 4 * TIMEOUT_MS;
    client.write(text.subarray(0, half));
    for (let count = 0; performance.now() < end; count++) {
      client.write(text.subarray(half), envelopeFrame({ type: 'sys.ping', data: count }), text.subarray(0, half));
      expect((await client.envelopeOf('sys.pong')).data).toBe(count);
    }
    client.write(text.subarray(half), envelopeFrame({ type: 'sys.ping', data: 'alive' }));
    expect((await client.envelopeOf('sys.pong')).data).toBe('alive');
    client.socket.destroy();
  });
});
