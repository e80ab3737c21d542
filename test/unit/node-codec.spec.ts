import { describe, expect, it } from 'vitest';
import {
  begin,
  encodeMessage,
  finish,
  isSupported,
  versionOf,
  writeEvent,
  writeRequest,
} from '../../src/cluster/wire/node-codec.js';
import { decodeMessage } from '../support/decode-message.js';
import type { JsonMessage } from '../../src/cluster/wire/json-body.js';
import {
  KINDS,
  NODE_VERSION,
  type Batch,
  type ClusterEvent,
  type NodeMessage,
  type Request,
} from '../../src/cluster/wire/node-message.js';
import { textFrame } from '../../src/protocol/index.js';

const ORIGIN = { nodeId: 'abcdefgh', incarnation: 7 };
const FRAME = textFrame('{"ä":"€"}');

function batch(items: readonly Request[]): Buffer {
  const writer = begin(ORIGIN, 'batch', 8);
  writer.u32(0xffff_fffe);
  writer.f64(12.5);
  for (const item of items) writeRequest(writer, item);
  return finish(writer);
}

function events(items: readonly ClusterEvent[]): Buffer {
  const writer = begin(ORIGIN, 'events', 8);
  writer.u32(3);
  for (const item of items) writeEvent(writer, item);
  return finish(writer);
}

const kick = (receiver: string): Request => ({ type: 'kick', receiver, code: 4000 });

/** Bytes before the body: version, kind, incarnation, moment, node id with its length, length of the body. */
const BODY_AT = 1 + 1 + 4 + 8 + (1 + 8) + 4;

/** Returns the JSON body of a message. */
function json(message: JsonMessage): string {
  return encodeMessage(ORIGIN, message).toString('utf8', BODY_AT);
}

describe('messages between nodes', () => {
  it.each<Exclude<NodeMessage, { kind: 'events' | 'batch' | 'unknown' }>>([
    { kind: 'heartbeat', sequence: 5 },
    { kind: 'probe', subject: 'switchboard.receipt.abcdefgh.*' },
    {
      kind: 'snapshot',
      sequence: 5,
      first: true,
      last: false,
      chunk: 2,
      requestsSnapshots: true,
      sessions: [
        { id: 'abcdefgh.1', user: 'Ännchen "x"' },
        { id: 'abcdefgh.2', rooms: ['garden', 'a.b_c:d-e'] },
        { id: 'abcdefgh.3' },
        { id: 'abcdefgh.4', away: true },
      ],
      departures: [['abcdefgh.0', 1000]],
    },
    { kind: 'receipt', number: 9, refused: [] },
    {
      kind: 'receipt',
      number: 9,
      refused: [
        [0, 'unavailable'],
        [70_000, 'receiver_not_found'],
        [70_001, 'receiver_overloaded'],
        [70_002, 'too_many_rooms'],
      ],
    },
    {
      kind: 'receipt',
      number: 9,
      refused: [[1, 'unavailable']],
      counts: [
        [0, { delivered: 0, skipped: 0 }],
        [2, { delivered: 70_000, skipped: 3 }],
        [3, { delivered: 1, skipped: 2, held: 70_000 }],
      ],
      held: [4, 70_000],
    },
    { kind: 'snapshotRequest' },
    { kind: 'fenced', nodeId: 'hgfedcba' },
    { kind: 'leave' },
    { kind: 'rpcRequest', number: 3, detailsOf: ['abcdefgh.1'] },
    { kind: 'rpcRequest', number: 4, body: { key: 'k' } },
    { kind: 'rpcResponse', number: 4, reply: [1] },
  ])('are decoded as they were encoded: $kind', (message) => {
    const before = performance.now();
    const { head, message: read } = decodeMessage(encodeMessage(ORIGIN, message));
    expect(read).toEqual(message);
    expect(head).toEqual({ ...ORIGIN, version: NODE_VERSION, sentAtMs: expect.any(Number) as number });
    expect(head.sentAtMs).toBeGreaterThanOrEqual(before);
    expect(head.sentAtMs).toBeLessThanOrEqual(performance.now());
  });

  it('are decoded as they were encoded: batches', () => {
    const items: Request[] = [
      { type: 'message', sender: 'server/shop', receiver: 'b.1', frame: FRAME },
      { type: 'kick', receiver: 'b.2', code: 4101 },
      { type: 'message', sender: 'a.1', receiver: 'b.3', frame: textFrame('x'.repeat(70_000)) },
      { type: 'groupMessage', sender: 'a.1', receiver: '#garden', frame: FRAME },
      { type: 'groupMessage', sender: 'server', receiver: `@${'€'.repeat(127)}`, frame: FRAME },
      { type: 'join', receiver: 'b.2', room: 'r'.repeat(127) },
      { type: 'leave', receiver: 'b.2', room: 'garden' },
    ];
    expect(decodeMessage(batch(items)).message).toEqual({
      kind: 'batch',
      number: 0xffff_fffe,
      maxAgeMs: 12.5,
      items,
    });
  });

  it('are decoded as they were encoded: events', () => {
    const items: ClusterEvent[] = [
      { type: 'arrived', sessionInfo: { id: 'a.1' } },
      { type: 'arrived', sessionInfo: { id: 'a.2', user: 'Zoë' } },
      { type: 'broadcast', sender: 'a.1', frame: FRAME },
      { type: 'joined', id: 'a.1', room: 'garden' },
      { type: 'left', id: 'a.1', room: 'r'.repeat(127) },
      { type: 'away', id: 'a.1' },
      { type: 'back', id: 'a.1' },
      { type: 'departed', id: 'a.1', code: 4999 },
    ];
    expect(decodeMessage(events(items)).message).toEqual({ kind: 'events', sequence: 3, items });
  });

  it('are skipped item by item where they are of a newer version', () => {
    const bytes = encodeMessage(ORIGIN, { kind: 'snapshotRequest' });
    bytes[1] = 200;
    expect(decodeMessage(bytes).message).toEqual({ kind: 'unknown' });
    const mixed = batch([kick('b.1'), kick('b.2')]);
    mixed[mixed.indexOf(Buffer.from([2, 0, 0, 0, 6]))] = 99;
    expect((decodeMessage(mixed).message as Batch).items).toEqual([undefined, kick('b.2')]);
    const arrivals = events([
      { type: 'departed', id: 'a.1', code: 1 },
      { type: 'departed', id: 'a.2', code: 1 },
    ]);
    arrivals[arrivals.indexOf(Buffer.from([2, 0, 0, 0, 6]))] = 99;
    expect(decodeMessage(arrivals).message).toMatchObject({ items: [{ id: 'a.2' }] });
  });

  it('throw where they end too early', () => {
    expect(() => decodeMessage(Buffer.alloc(0))).toThrow(RangeError);
    expect(() => decodeMessage(batch([kick('b.1')]).subarray(0, -1))).toThrow(RangeError);
    const counted = encodeMessage(ORIGIN, {
      kind: 'receipt',
      number: 1,
      refused: [],
      counts: [[0, { delivered: 1, skipped: 0 }]],
    });
    expect(() => decodeMessage(counted.subarray(0, -1))).toThrow(RangeError);
  });

  it.each(['', 'a b', 'ä', '#garden', 'r'.repeat(128)])('throw where the name of a room is %j', (room) => {
    expect(() => decodeMessage(events([{ type: 'joined', id: 'a.1', room }]))).toThrow(RangeError);
    expect(() => decodeMessage(events([{ type: 'left', id: 'a.1', room }]))).toThrow(RangeError);
    expect(() => decodeMessage(batch([{ type: 'join', receiver: 'b.1', room }]))).toThrow(RangeError);
  });

  it('throw where the receiver of a group message is no user and no room, or not UTF-8', () => {
    const garbled = batch([{ type: 'groupMessage', sender: 'a.1', receiver: '@ann', frame: FRAME }]);
    garbled[garbled.indexOf('@ann') + 1] = 0xff;
    expect(() => decodeMessage(garbled)).toThrow(RangeError);
    expect(() =>
      decodeMessage(batch([{ type: 'groupMessage', sender: 'a.1', receiver: 'b.1', frame: FRAME }])),
    ).toThrow(RangeError);
  });

  it('throw where an item reads more than its own bytes', () => {
    const bytes = batch([kick('b.1'), kick('b.2')]);
    bytes[bytes.indexOf('b.1') - 1] = 9;
    expect(() => decodeMessage(bytes)).toThrow(RangeError);
  });

  it.each<[JsonMessage['kind'], string]>([
    ['heartbeat', 'null'],
    ['heartbeat', '[]'],
    ['heartbeat', '{}'],
    ['heartbeat', '{"sequence":"5"}'],
    ['heartbeat', '{"sequence":-1}'],
    ['snapshot', '{"sequence":5,"first":true,"last":true,"asks":true,"here":[{"id":"a.1"},null],"left":[]}'],
    ['snapshot', '{"sequence":5,"first":true,"last":true,"asks":true,"here":[{"id":"a.1","user":1}],"left":[]}'],
    ['snapshot', '{"sequence":5,"first":true,"last":true,"asks":true,"here":[{"id":"a.1","rooms":"x"}],"left":[]}'],
    ['snapshot', '{"sequence":5,"first":true,"last":true,"asks":true,"here":[{"id":"a.1","rooms":["ä"]}],"left":[]}'],
    ['snapshot', '{"sequence":5,"first":true,"last":true,"asks":true,"here":[{"id":"a.1","away":1}],"left":[]}'],
    ['snapshot', '{"sequence":5,"first":true,"last":true,"asks":true,"here":[],"left":[["a.1"]]}'],
    ['snapshot', '{"sequence":5,"first":true,"last":true,"asks":true,"here":[],"left":[],"piece":"0"}'],
    ['fenced', '{"part":null}'],
    ['rpcRequest', '{}'],
    ['rpcRequest', '{"number":1,"views":[1]}'],
    ['rpcResponse', '{"reply":{}}'],
  ])('throw where a %s has the body %s', (kind, body) => {
    const writer = begin(ORIGIN, kind);
    writer.bytes(Buffer.from(body));
    expect(() => decodeMessage(finish(writer))).toThrow(SyntaxError);
  });

  it('keep their JSON keys, which nodes of other versions read', () => {
    const head = { kind: 'snapshot', sequence: 5, first: true, last: true, chunk: 0 } as const;
    const snapshot = {
      ...head,
      requestsSnapshots: false,
      sessions: [{ id: 'b.1', user: undefined, rooms: undefined }],
      departures: [['b.2', 1] as const],
    };
    expect(json(snapshot)).toBe(
      '{"sequence":5,"first":true,"last":true,"piece":0,"asks":false,"here":[{"id":"b.1"}],"left":[["b.2",1]]}',
    );
    expect(json({ ...snapshot, sessions: [{ id: 'b.1', user: 'ann', rooms: ['garden'], away: true }] })).toContain(
      '"here":[{"id":"b.1","user":"ann","rooms":["garden"],"away":true}]',
    );
    expect(json({ kind: 'fenced', nodeId: 'hgfedcba' })).toBe('{"part":"hgfedcba"}');
    expect(json({ kind: 'rpcRequest', number: 1, detailsOf: ['b.1'] })).toBe('{"number":1,"views":["b.1"]}');
    expect(json({ kind: 'rpcRequest', number: 1, body: 2 })).toBe('{"number":1,"work":2}');
    expect(json({ kind: 'rpcResponse', number: 1, reply: 2 })).toBe('{"number":1,"reply":2}');
    expect(json({ kind: 'heartbeat', sequence: 5 })).toBe('{"sequence":5}');
    expect([json({ kind: 'leave' }), json({ kind: 'snapshotRequest' })]).toEqual(['{}', '{}']);
  });

  it('are supported from the version before to the version after', () => {
    expect(versionOf(encodeMessage(ORIGIN, { kind: 'leave' }))).toBe(NODE_VERSION);
    expect([NODE_VERSION, NODE_VERSION + 1].map(isSupported)).toEqual([true, true]);
    expect([0, NODE_VERSION - 2, NODE_VERSION + 2].map(isSupported)).toEqual([false, false, false]);
  });

  it('have a number for each kind, and no number twice', () => {
    expect(new Set(Object.values(KINDS)).size).toBe(Object.keys(KINDS).length);
  });
});
