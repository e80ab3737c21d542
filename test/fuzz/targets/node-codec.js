import { isDeepStrictEqual } from 'node:util';
import {
  begin,
  decodeBody,
  decodeHead,
  encodeMessage,
  finish,
  writeEvent,
  writeRequest,
} from '../../../dist/cluster/wire/node-codec.js';
import { Broken, words } from './target.js';

const ORIGIN = { nodeId: 'abcdefgh', incarnation: 7 };
/** The number of a batch and its greatest age. */
const BATCH_HEAD_BYTES = 12;
const FRAME = Buffer.from([0x81, 2, 0x7b, 0x7d]);
const JSON_KINDS = [
  { kind: 'heartbeat', sequence: 5 },
  {
    kind: 'snapshot',
    sequence: 5,
    first: true,
    last: false,
    chunk: 0,
    requestsSnapshots: true,
    sessions: [
      { id: 'a.1', user: 'ann' },
      { id: 'a.2', rooms: ['garden'] },
    ],
    departures: [['a.0', 1000]],
  },
  {
    kind: 'receipt',
    number: 9,
    refused: [
      [0, 'unavailable'],
      [70_000, 'receiver_not_found'],
    ],
    counts: [[1, { delivered: 2, skipped: 1 }]],
  },
  { kind: 'snapshotRequest' },
  { kind: 'fenced', nodeId: 'hgfedcba' },
  { kind: 'leave' },
  { kind: 'rpcRequest', number: 1, detailsOf: ['a.1'] },
  { kind: 'rpcResponse', number: 1, reply: { sessions: [] } },
];
const isText = (value) => typeof value === 'string';
const isFlag = (value) => typeof value === 'boolean';
const isNumber = (value) => typeof value === 'number';
const isRoom = (value) => isText(value) && /^[\w.:-]{1,127}$/.test(value);
/** The conditions on which the effects of a message rely. */
const FIELDS = {
  heartbeat: { sequence: isNumber },
  snapshot: {
    sequence: isNumber,
    first: isFlag,
    last: isFlag,
    requestsSnapshots: isFlag,
    sessions: (list) =>
      Array.isArray(list) &&
      list.every(
        ({ id, user, rooms }) =>
          isText(id) && (user === undefined || isText(user)) && (rooms === undefined || rooms.every(isRoom)),
      ),
    departures: (list) => Array.isArray(list) && list.every(([id, code]) => isText(id) && isNumber(code)),
  },
  events: { sequence: isNumber, items: Array.isArray },
  batch: { number: isNumber, maxAgeMs: isNumber, items: Array.isArray },
  receipt: { number: isNumber, refused: Array.isArray },
  snapshotRequest: {},
  fenced: { nodeId: isText },
  leave: {},
  rpcRequest: { number: isNumber, detailsOf: (list) => list === undefined || list.every(isText) },
  rpcResponse: { number: isNumber },
  unknown: {},
};

/**
 * The codec of messages between nodes: any bytes are decoded or refused by a documented error, nothing decoded is longer
 * than its bytes, every field has its type, and what was decoded is the same after it was encoded and decoded once more.
 *
 * @type {import('./target.js').Target}
 */
export const nodeCodecTarget = {
  name: 'node-codec',
  modules: ['/dist/cluster/wire/'],
  maxBytes: 1024,
  separators: '{}[],:',
  dictionary: words(
    '"sequence":',
    '"here":[',
    '"left":[',
    '"number":',
    '"asks":',
    '"part":',
    '"piece":',
    '"views":[',
    '"user":"',
    '"rooms":["',
    '"__proto__":',
    'null',
    '[]',
    '{}',
    '1e99',
  ),
  seeds: [...JSON_KINDS.map((message) => encodeMessage(ORIGIN, message)), batch(), events()],
  run(input) {
    let decoded;
    const largestBytes = largestAllocation(() => (decoded = tryDecode(input)));
    if (largestBytes > input.length * 4 + 8192) throw new Broken('an unchecked length was allocated', largestBytes);
    if (decoded.message === undefined) return `refused ${decoded.problem}`;
    const { head, message } = decoded;
    if (head.nodeId.length > 255) throw new Broken('the node id is longer than its length byte');
    for (const [field, isValid] of Object.entries(FIELDS[message.kind]))
      if (!isValid(message[field])) throw new Broken('a decoded message has a field of the wrong type', field);
    if (message.kind === 'unknown') return 'unknown';
    checkLengths(message, input.length);
    const encoded = encodeAny(head, message);
    const again = tryDecode(encoded);
    if (again.message === undefined) throw new Broken('what was encoded is refused', again.problem);
    if (!isDeepStrictEqual(message, again.message)) throw new Broken('the message changed on its way', message.kind);
    if (message.kind === 'batch') checkBytes(head, message, encoded, input);
    return `${message.kind} ${Math.min(3, (message.items ?? message.refused ?? []).length)}`;
  },
};

function tryDecode(bytes) {
  try {
    const encoded = decodeHead(bytes);
    return { head: encoded.head, message: decodeBody(encoded) };
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError || error.constructor === Error)
      return { problem: error.name };
    throw error;
  }
}

/** Runs something and returns the longest buffer that was allocated meanwhile. */
function largestAllocation(action) {
  const originals = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'].map((name) => [name, Buffer[name]]);
  let largest = 0;
  for (const [name, allocate] of originals)
    Buffer[name] = (size, ...rest) => {
      largest = Math.max(largest, size);
      return allocate(size, ...rest);
    };
  try {
    action();
  } finally {
    for (const [name, allocate] of originals) Buffer[name] = allocate;
  }
  return largest;
}

function checkLengths(message, length) {
  let bytes = 0;
  for (const item of message.items ?? []) bytes += item?.frame?.length ?? 0;
  if (bytes > length) throw new Broken('the frames are longer than the message', { bytes, length });
  if ((message.items ?? message.refused ?? []).length > length) throw new Broken('more items than bytes');
}

/** Requires the same bytes of a batch of the same length, from its items on: each length in it was that of its item. */
function checkBytes(head, { items }, encoded, input) {
  const from = begin(head, 'batch').length + BATCH_HEAD_BYTES;
  if (items.includes(undefined) || encoded.length !== input.length) return;
  if (!encoded.subarray(from).equals(input.subarray(from)))
    throw new Broken('a batch of the same length has other bytes');
}

function encodeAny(head, message) {
  const origin = { nodeId: head.nodeId, incarnation: head.incarnation };
  if (message.kind !== 'events' && message.kind !== 'batch') return encodeMessage(origin, message);
  const writer = begin(origin, message.kind);
  writer.u32(message.kind === 'events' ? message.sequence : message.number);
  if (message.kind === 'batch') writer.f64(message.maxAgeMs);
  for (const item of message.items) {
    if (message.kind === 'events') writeEvent(writer, item);
    else if (item !== undefined) writeRequest(writer, item);
    else for (const byte of [99, 0, 0, 0, 0]) writer.u8(byte);
  }
  return finish(writer);
}

function batch() {
  const writer = begin(ORIGIN, 'batch');
  writer.u32(3);
  writer.f64(12.5);
  writeRequest(writer, { type: 'message', sender: 'a.1', receiver: 'b.1', frame: FRAME });
  writeRequest(writer, { type: 'kick', receiver: 'b.2', code: 4000 });
  writeRequest(writer, { type: 'groupMessage', sender: 'a.1', receiver: '@Zoë', frame: FRAME });
  writeRequest(writer, { type: 'join', receiver: 'b.2', room: 'garden' });
  return finish(writer);
}

function events() {
  const writer = begin(ORIGIN, 'events');
  writer.u32(3);
  writeEvent(writer, { type: 'arrived', sessionInfo: { id: 'a.1', user: 'Zoë' } });
  writeEvent(writer, { type: 'broadcast', sender: 'a.1', frame: FRAME });
  writeEvent(writer, { type: 'joined', id: 'a.1', room: 'garden' });
  writeEvent(writer, { type: 'left', id: 'a.1', room: 'garden' });
  writeEvent(writer, { type: 'departed', id: 'a.1', code: 4999 });
  return finish(writer);
}
