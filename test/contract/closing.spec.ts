import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPCODE } from '../../src/protocol/index.js';
import { connect, type Client } from '../support/client.js';
import { clientFrame, closeFrame, envelopeFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { threadTimeMs } from '../support/thread-clock.js';

/** nginx reads from a client for up to 2 s after the server has ended the connection (lingering_time). */
const LINGERING_MS = process.env['TEST_FRONT'] === undefined ? 0 : 2000;

/** Splits a text into this many fragments. */
function fragments(text: string, count: number): Buffer[] {
  const size = Math.ceil(text.length / count);
  return Array.from({ length: count }, (_, index) =>
    clientFrame(text.slice(index * size, (index + 1) * size), {
      opcode: index === 0 ? OPCODE.text : OPCODE.continuation,
      final: index === count - 1,
    }),
  );
}

const PING = clientFrame('p', { opcode: OPCODE.ping });

describe.each(['on', 'off'])('the connection (FAST_LANE=%s)', (lane) => {
  let server: TestServer;
  let observer: Client;

  beforeAll(async () => {
    server = await startServer({ FAST_LANE: lane, ARRIVAL_NOTICES: 'off', MAX_MESSAGE_BYTES: '1024' });
    observer = await connect(server.url);
  });
  afterAll(() => server.stop());

  const { text, binary, continuation, close, ping, pong } = OPCODE;
  const bad = Buffer.from([0xc3, 0x28]);
  const badData = Buffer.concat([Buffer.from('{"type":"x","data":"'), bad, Buffer.from('"}')]);
  const raw = (first: number, second: number, ...rest: number[]): Buffer => Buffer.from([first, second, ...rest]);
  const mask = [0, 0, 0, 0] as const;

  it.each<[string, readonly Buffer[], number, string?]>([
    ['an unmasked text', [clientFrame('{}', { mask: undefined })], 1002],
    ['an unmasked ping', [clientFrame('', { opcode: ping, mask: undefined })], 1002],
    ['reserved bit 1, compression', [clientFrame('{}', { reserved: 4 })], 1002],
    ['reserved bit 2', [clientFrame('{}', { reserved: 2 })], 1002],
    ['reserved bit 3', [clientFrame('{}', { reserved: 1 })], 1002],
    ['reserved bits on a ping', [clientFrame('', { opcode: ping, reserved: 4 })], 1002],
    ['opcode 3', [clientFrame('', { opcode: 3 })], 1002],
    ['opcode 7', [clientFrame('', { opcode: 7 })], 1002],
    ['opcode 11', [clientFrame('', { opcode: 11 })], 1002],
    ['opcode 15', [clientFrame('', { opcode: 15 })], 1002],
    ['a ping in fragments', [clientFrame('', { opcode: ping, final: false })], 1002],
    ['a ping of 126 bytes', [clientFrame('x'.repeat(126), { opcode: ping })], 1002],
    ['a continuation without a start', [clientFrame('x', { opcode: continuation })], 1002],
    ['a text within a text', [clientFrame('{', { final: false }), clientFrame('}')], 1002],
    ['a close frame of one byte', [clientFrame('x', { opcode: close })], 1002],
    ['close code 0', [closeFrame(0)], 1002],
    ['close code 999', [closeFrame(999)], 1002],
    ['close code 1004', [closeFrame(1004)], 1002],
    ['close code 1005', [closeFrame(1005)], 1002],
    ['close code 1006', [closeFrame(1006)], 1002],
    ['close code 1015', [closeFrame(1015)], 1002],
    ['close code 2999', [closeFrame(2999)], 1002],
    ['close code 5000', [closeFrame(5000)], 1002],
    ['a close reason that is not UTF-8', [clientFrame(Buffer.from([3, 232, 0xff]), { opcode: close })], 1007],
    ['binary', [clientFrame('{"type":"x"}', { opcode: binary })], 1003, 'binary_unsupported'],
    ['empty binary', [clientFrame('', { opcode: binary })], 1003, 'binary_unsupported'],
    [
      'binary in fragments',
      [clientFrame('a', { opcode: binary, final: false }), clientFrame('b', { opcode: 0 })],
      1003,
    ],
    ['invalid UTF-8', [clientFrame(bad)], 1007],
    ['invalid UTF-8 in data', [clientFrame(badData)], 1007],
    ['a surrogate in UTF-8', [clientFrame(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))], 1007],
    ['overlong UTF-8', [clientFrame(Buffer.from([0x22, 0xc0, 0x80, 0x22]))], 1007],
    ['UTF-8 beyond Unicode', [clientFrame(Buffer.from([0x22, 0xf5, 0x80, 0x80, 0x80, 0x22]))], 1007],
    ['truncated UTF-8', [clientFrame(Buffer.from([0x22, 0xe2, 0x82]))], 1007],
    ['too many fragments', fragments(' '.repeat(1000), 1000), 1008, 'policy'],
    ['65 fragments', fragments(' '.repeat(65), 65), 1008, 'policy'],
    ['1,000 empty fragments', fragments('', 1000), 1008, 'policy'],
    ['one byte over the limit', [clientFrame(`{"type":"${'x'.repeat(1014)}"}`)], 1009, 'message_too_big'],
    ['a length over 2^52', [raw(0x81, 0xff, 0x00, 0x1f, 255, 255, 255, 255, 255, 255, ...mask)], 1009],
    ['fragments over the limit together', fragments(' '.repeat(1025), 3), 1009, 'message_too_big'],
  ])('is closed for %s', async (_, frames, code, reason) => {
    const client = await RawClient.open(server.port);
    client.write(...frames, envelopeFrame({ type: 'late', receiver: '*' }));
    const closed = await client.closed();
    expect(closed.code).toBe(code);
    expect(reason === undefined ? reason : closed.reason).toBe(reason);
    expect(client.frames).toEqual([]);
    expect(await observer.next()).toMatchObject({ type: 'sys.departed', sender: client.id, data: { code } });
    client.socket.destroy();
    await observer.settled();
    expect(observer.inbox).toEqual([]);
  });

  it('answers a close frame with a close frame, and sends nothing after it', async () => {
    const client = await RawClient.open(server.port);
    client.write(
      envelopeFrame({ type: 'sys.ping', id: 'last' }),
      closeFrame(1000, 'bye'),
      PING,
      envelopeFrame({ type: 'sys.ping' }),
    );
    await client.gone;
    expect(client.frames.map(({ opcode }) => opcode)).toEqual([text, close]);
    expect(client.frames[1]!.body.readUInt16BE()).toBe(1000);
    await observer.next('sys.departed');
    client.socket.destroy();
  });

  it('answers each ping with a pong of the same body, in order with messages', async () => {
    const client = await RawClient.open(server.port);
    const bodies = ['', 'a', 'x'.repeat(125), '\u0000'];
    client.write(
      ...bodies.flatMap((body, index) => [
        clientFrame(body, { opcode: ping }),
        envelopeFrame({ type: 'sys.ping', data: index }),
      ]),
    );
    for (const [index, body] of bodies.entries()) {
      const answer = await client.next(pong, text);
      expect(answer.first).toBe(0x80 | pong);
      expect(answer.body.toString()).toBe(body);
      expect((await client.envelope()).data).toBe(index);
    }
    client.write(closeFrame(1000));
    await observer.next('sys.departed');
    client.socket.destroy();
  });

  it('accepts unsolicited pongs, fragmented messages, and pings between fragments', async () => {
    const client = await RawClient.open(server.port);
    const whole = JSON.stringify({ type: 'sys.ping', id: 'f', data: 'ä€😀'.repeat(20) });
    const bytes = Buffer.from(whole);
    // Cut inside characters, because only the whole message must be valid UTF-8.
    const cuts = [0, 37, 38, 41, 60, bytes.length];
    const fragmented = cuts.slice(1).map((end, index) =>
      clientFrame(bytes.subarray(cuts[index], end), {
        opcode: index === 0 ? text : continuation,
        final: index === cuts.length - 2,
      }),
    );
    client.write(clientFrame('?', { opcode: pong }), ...fragmented.flatMap((each) => [each, PING]));
    for (let count = 1; count < fragmented.length; count++) expect((await client.next(pong, text)).opcode).toBe(pong);
    expect(await client.envelope()).toMatchObject({ type: 'sys.pong', ref: 'f', data: 'ä€😀'.repeat(20) });
    client.write(...fragments('{"type":"sys.ping","id":"few"}', 4), envelopeFrame({ type: 'sys.ping', id: 'plain' }));
    expect((await client.envelope()).ref).toBe('few');
    expect((await client.envelope()).ref).toBe('plain');
    client.write(closeFrame(1000));
    await observer.next('sys.departed');
    client.socket.destroy();
  });

  it('accepts a message in 64 fragments', async () => {
    const client = await RawClient.open(server.port);
    const whole = JSON.stringify({ type: 'sys.ping', id: 'many', data: 'x'.repeat(87) });
    expect(whole).toHaveLength(128);
    client.write(...fragments(whole, 64));
    expect((await client.envelope()).ref).toBe('many');
    client.write(closeFrame(1000));
    await observer.next('sys.departed');
    client.socket.destroy();
  });

  it('accepts a message byte by byte, and one of exactly the limit', async () => {
    const client = await RawClient.open(server.port);
    client.socket.setNoDelay();
    for (const byte of envelopeFrame({ type: 'sys.ping', id: 'bytes' })) client.write(Buffer.from([byte]));
    expect((await client.envelope()).ref).toBe('bytes');
    const frameOf = (fill: number): string => `{"type":"sys.ping","id":"full","data":"${'x'.repeat(fill)}"}`;
    client.write(clientFrame(frameOf(1024 - frameOf(0).length)));
    expect((await client.envelope()).ref).toBe('full');
    client.write(closeFrame(1000));
    await observer.next('sys.departed');
    client.socket.destroy();
  });

  it.each([
    ['its own close frame', closeFrame(1000)],
    ['a protocol error', clientFrame('{}', { opcode: OPCODE.binary })],
  ])('is destroyed within 2 s after %s if the client neither answers nor ends it', async (_, last) => {
    const client = await RawClient.open(server.port);
    client.write(last);
    const startMs = threadTimeMs();
    await observer.next('sys.departed');
    expect(threadTimeMs() - startMs).toBeLessThan(500);
    // Writing fails only after the server has destroyed the socket.
    const probe = setInterval(() => client.write(Buffer.from([0])), 50);
    await new Promise((resolve) => client.socket.once('error', resolve));
    clearInterval(probe);
    expect(threadTimeMs() - startMs).toBeLessThan(2000 + LINGERING_MS);
  });
});
