import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPCODE } from '../../src/protocol/index.js';
import { clientFrame, envelopeFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';

const TIMEOUT_MS = 400;
const POLICY = { code: 1008, reason: 'policy' };

describe.each(['on', 'off'])('a message that is never completed (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer({ FAST_LANE, FRAME_TIMEOUT_MS: String(TIMEOUT_MS), ARRIVAL_NOTICES: 'off' });
  });
  afterEach(() => server.stop());

  /** Sends one byte at a time, too slowly for FRAME_TIMEOUT_MS. */
  function drip(client: RawClient, bytes: Buffer): NodeJS.Timeout {
    let at = 0;
    return setInterval(() => client.socket.write(bytes.subarray(at, ++at)), TIMEOUT_MS / 8);
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
  ])('closes the session with 1008: %s', async (_, first, rest) => {
    const client = await RawClient.open(server.port);
    client.write(first);
    const dripping = drip(client, rest);
    expect(await client.closed()).toEqual(POLICY);
    clearInterval(dripping);
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
