import { isUtf8 } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import {
  Block,
  decode,
  EnvelopeScanner,
  IdTable,
  INVALID_GROUP_RECEIVER,
  isDeliverable,
  isGroup,
  isReserved,
  maskAt,
  MessageError,
  stampedBytes,
  stampedFrame,
  TEXT,
  writeStamped,
} from '../../../dist/protocol/index.js';
import { Broken, words } from './target.js';

const SENDER = 'abcdefgh.ABCDEFGHIJKLMNOP';
const FIELDS = ['type', 'receiver', 'id', 'data'];
/** In front of the message: its offset in the chunk, and its mask. */
const HEAD_BYTES = 5;

const scanner = new EnvelopeScanner();
const ids = new IdTable();
const slot = ids.add(SENDER);
const chunk = Buffer.alloc(8192);
const block = new Block(Buffer.alloc(8192));

/**
 * The scanner beside `JSON.parse` and the slow path: the scanner accepts only what both accept, and finds the same in it.
 *
 * @type {import('./target.js').Target}
 */
export const scannerTarget = {
  name: 'scanner',
  modules: ['/dist/protocol/scan/', '/dist/protocol/codec.js', '/dist/protocol/json-properties.js'],
  maxBytes: 2048,
  separators: '{}[],:"\\',
  dictionary: words(
    '"type":"a",',
    '"data":0,',
    '"id":"1",',
    '"receiver":"*",',
    '"receiver":"@ann",',
    '"receiver":"#garden",',
    '"@',
    '"#',
    ',"data":{}',
    ',"id":"2"',
    'x'.repeat(63),
    'r'.repeat(127),

    '['.repeat(16),
    ']'.repeat(16),
    '{"a":'.repeat(16),
    '}'.repeat(16),
    '{"type":"a"',
    '"receiver":"',
    '"id":"',
    '"data":',
    '"sender":"',
    '"ref":"',
    '"sys.',
    '\\u0041',
    '\\"',
    '\\\\',
    '{}',
    '[]',
    '""',
    'true',
    'false',
    'null',
    '-0',
    '1e9',
    '1E+5',
    '0.1',
    '\xc3\xa9',
    '\xed\xa0\x80',
    '}',
    ']',
    ',',
  ),
  seeds: words(
    '\0\0\0\0\0{"type":"a"}',
    `\0\0\0\0\0{"type":"chat","receiver":"${SENDER}","id":"1","data":{"a":[1,-2.5e3,true,null,"x\\n"]}}`,
    '\x03\0\0\0\0{ "data" : [ ] , "type" : "a.b:c_d-e" , "receiver" : "*" }',
    '\0\0\0\0\0{"type":"chat","receiver":"#garden","id":"1","data":1}',
    '\0\0\0\0\0{"receiver":"@zo\xc3\xab","type":"chat"}',
    '\0\0\0\0\0{"type":"a","sender":"x","data":"\\ud83d\\udca9"}',
  ),
  run(input) {
    const message = input.subarray(HEAD_BYTES);
    const isAccepted = scan(input, message) && (!scanner.nonAscii || isUtf8(message));
    const text = message.toString();
    const exact = slowPath(text);
    if (exact.envelope !== undefined) checkSlowPath(text, exact.envelope);
    if (!isAccepted) return exact.envelope === undefined ? `refused ${exact.problem}` : 'left to the slow path';
    if (exact.envelope === undefined) throw new Broken('the scanner accepts what the slow path refuses', exact.problem);
    checkFields(exact.envelope);
    return `accepted ${FIELDS.filter((field) => exact.envelope[field] !== undefined).join()} ${scanner.nonAscii}`;
  },
};

function scan(input, message) {
  const from = (input[0] ?? 0) & 7;
  const mask = input.subarray(1, HEAD_BYTES);
  chunk.fill(0x7d);
  for (let index = 0; index < message.length; index++) chunk[from + index] = message[index] ^ (mask[index & 3] ?? 0);
  const word = mask.length === 4 ? maskAt(mask, 0) : 0;
  if (mask.length < 4) message.copy(chunk, from);
  return scanner.scan(chunk, from, from + message.length, word);
}

function slowPath(text) {
  try {
    return { envelope: decode(text) };
  } catch (error) {
    if (error instanceof MessageError) return { problem: error.message.replace(/"[^]*"|\d+/g, '') };
    throw error;
  }
}

function checkSlowPath(text, envelope) {
  const object = JSON.parse(text);
  for (const field of ['type', 'receiver', 'id'])
    if (object[field] !== envelope[field]) throw new Broken('the slow path reads another value', field);
  const delivered = payload(stampedFrame(SENDER, envelope)).toString();
  const { receiver = '' } = envelope;
  if (isGroup(receiver) && isDeliverable(delivered) === INVALID_GROUP_RECEIVER.test(receiver))
    throw new Broken('a user or a room is not deliverable, or another receiver is', receiver);
  const stamped = JSON.parse(delivered);
  if (!isDeepStrictEqual({ ...object, sender: SENDER }, { ...stamped }))
    throw new Broken('the message is not carried whole');
}

function checkFields(envelope) {
  if (scanner.reserved !== isReserved(envelope.type)) throw new Broken('the scanner is wrong about a reserved type');
  for (const field of FIELDS) {
    const start = scanner[`${field}Start`];
    const found = start < 0 ? undefined : TEXT.toString('utf8', start, scanner[`${field}End`]);
    if (found !== envelope[field]) throw new Broken('scanner and slow path differ', { field, found });
  }
  const end = writeStamped(block, 0, ids, slot, scanner);
  if (end !== stampedBytes(scanner.length)) throw new Broken('the stamped frame has another length than was computed');
  if (!block.bytes.subarray(0, end).equals(stampedFrame(SENDER, envelope)))
    throw new Broken('the stamped frames differ');
}

/** The payload of an unmasked frame below 64 KiB. */
function payload(frame) {
  return frame.subarray(frame[1] < 126 ? 2 : 4);
}
