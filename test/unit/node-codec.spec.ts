import { describe, expect, it } from 'vitest';
import {
  begin,
  decodeMessage,
  encodeMessage,
  finish,
  isSupported,
  versionOf,
  writeEvent,
  writeRequest,
} from '../../src/cluster/wire/node-codec.js';
import {
  KINDS,
  NODE_VERSION,
  type Batch,
  type ClusterEvent,
  type NodeMessage,
  type Request,
} from '../../src/cluster/wire/node-message.js';
import { textFrame } from '../../src/protocol/index.js';

const SPEAKER = { nodeId: 'abcdefgh', incarnation: 7 };
const FRAME = textFrame('{"ä":"€"}');

function batch(items: readonly Request[]): Buffer {
  const writer = begin(SPEAKER, 'batch', 8);
  writer.u32(0xffff_fffe);
  writer.f64(12.5);
  for (const item of items) writeRequest(writer, item);
  return finish(writer);
}

function news(items: readonly ClusterEvent[]): Buffer {
  const writer = begin(SPEAKER, 'news', 8);
  writer.u32(3);
  for (const item of items) writeEvent(writer, item);
  return finish(writer);
}

describe('what nodes say', () => {
  it.each<Exclude<NodeMessage, { kind: 'news' | 'batch' | 'unknown' }>>([
    { kind: 'heartbeat', sequence: 5 },
    {
      kind: 'snapshot',
      sequence: 5,
      first: true,
      last: false,
      asks: true,
      here: [{ id: 'abcdefgh.1', user: 'Ännchen "x"' }, { id: 'abcdefgh.2' }],
      left: [['abcdefgh.0', 1000]],
    },
    { kind: 'receipt', number: 9, refused: [] },
    {
      kind: 'receipt',
      number: 9,
      refused: [
        [0, 'unavailable'],
        [70_000, 'receiver_not_found'],
        [70_001, 'receiver_overloaded'],
      ],
    },
    { kind: 'want' },
    { kind: 'fenced', part: 'hgfedcba' },
    { kind: 'leave' },
  ])('is understood: $kind', (message) => {
    const before = performance.now();
    const { head, message: read } = decodeMessage(encodeMessage(SPEAKER, message));
    expect(read).toEqual(message);
    expect(head).toEqual({ ...SPEAKER, version: NODE_VERSION, sentAtMs: expect.any(Number) as number });
    expect(head.sentAtMs).toBeGreaterThanOrEqual(before);
    expect(head.sentAtMs).toBeLessThanOrEqual(performance.now());
  });

  it('is understood: batches of messages and of sessions to be closed', () => {
    const items: Request[] = [
      { type: 'message', sender: 'server/shop', receiver: 'b.1', frame: FRAME },
      { type: 'kick', receiver: 'b.2' },
      { type: 'message', sender: 'a.1', receiver: 'b.3', frame: textFrame('x'.repeat(70_000)) },
    ];
    expect(decodeMessage(batch(items)).message).toEqual({
      kind: 'batch',
      number: 0xffff_fffe,
      maxAgeMs: 12.5,
      items,
    });
  });

  it('is understood: news', () => {
    const items: ClusterEvent[] = [
      { type: 'arrived', sessionInfo: { id: 'a.1' } },
      { type: 'arrived', sessionInfo: { id: 'a.2', user: 'Zoë' } },
      { type: 'broadcast', sender: 'a.1', frame: FRAME },
      { type: 'departed', id: 'a.1', code: 4999 },
    ];
    expect(decodeMessage(news(items)).message).toEqual({ kind: 'news', sequence: 3, items });
  });

  it('is passed over where it is of a newer version, piece by piece', () => {
    const bytes = encodeMessage(SPEAKER, { kind: 'want' });
    bytes[1] = 200;
    expect(decodeMessage(bytes).message).toEqual({ kind: 'unknown' });
    const mixed = batch([
      { type: 'kick', receiver: 'b.1' },
      { type: 'kick', receiver: 'b.2' },
    ]);
    mixed[mixed.indexOf(Buffer.from([2, 0, 0, 0, 4]))] = 99;
    expect((decodeMessage(mixed).message as Batch).items).toEqual([undefined, { type: 'kick', receiver: 'b.2' }]);
    const arrivals = news([
      { type: 'departed', id: 'a.1', code: 1 },
      { type: 'departed', id: 'a.2', code: 1 },
    ]);
    arrivals[arrivals.indexOf(Buffer.from([2, 0, 0, 0, 6]))] = 99;
    expect(decodeMessage(arrivals).message).toMatchObject({ items: [{ id: 'a.2' }] });
  });

  it('is refused where it ends too early', () => {
    expect(() => decodeMessage(Buffer.alloc(0))).toThrow(RangeError);
    expect(() => decodeMessage(batch([{ type: 'kick', receiver: 'b.1' }]).subarray(0, -1))).toThrow(RangeError);
  });

  it('is understood from the version before to the version after', () => {
    expect(versionOf(encodeMessage(SPEAKER, { kind: 'leave' }))).toBe(NODE_VERSION);
    expect([NODE_VERSION, NODE_VERSION + 1].map(isSupported)).toEqual([true, true]);
    expect([0, NODE_VERSION - 2, NODE_VERSION + 2].map(isSupported)).toEqual([false, false, false]);
  });

  it('has a number for each kind, and no number twice', () => {
    expect(new Set(Object.values(KINDS)).size).toBe(Object.keys(KINDS).length);
  });
});
