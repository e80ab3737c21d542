import { isGroup, isRoomName, type Frame } from '../../protocol/index.js';
import type { GroupReceipt, SessionInfo } from '../backplane.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { decodeJsonBody, encodeJsonBody, type JsonMessage } from './json-body.js';
import {
  KINDS,
  NODE_VERSION,
  type ClusterEvent,
  type Head,
  type Kind,
  type NodeMessage,
  type Receipt,
  type Request,
  type RequestFailure,
} from './node-message.js';

const KIND_OF = new Map(Object.entries(KINDS).map(([kind, number]) => [number, kind as Kind]));
/** The offset of `sentAtMs` in the head, after the version, the kind and the incarnation. */
const SENT_AT = 6;
const EVENTS = { arrived: 1, departed: 2, broadcast: 3, joined: 4, left: 5, away: 6, back: 7 } as const;
const REQUESTS = { message: 1, kick: 2, groupMessage: 3, join: 4, leave: 5 } as const;
const FAILURES: readonly RequestFailure[] = [
  'unavailable',
  'receiver_not_found',
  'receiver_overloaded',
  'too_many_rooms',
];
/** Stands in a receipt in place of a failure, before the counts of a `groupMessage`. */
const COUNTS = 255;
/** Stands in place of a failure where a message is held. New in version 4. */
const HELD = 254;
/** Stands in place of a failure, before counts with those of held messages. New in version 4. */
const COUNTS_WITH_HELD = 253;

/** The origin of a message, as its head names it. */
export type MessageOrigin = Pick<Head, 'nodeId' | 'incarnation'>;

/** Begins a message. {@link finish} sets its moment of sending. @param capacity bytes allocated at first */
export function begin(origin: MessageOrigin, kind: Kind, capacity = 256): ByteWriter {
  const writer = new ByteWriter(capacity);
  writer.u8(NODE_VERSION);
  writer.u8(KINDS[kind]);
  writer.u32(origin.incarnation);
  writer.f64(0);
  writer.id(origin.nodeId);
  return writer;
}

/** Stamps a message with its moment of sending and returns its bytes. */
export function finish(writer: ByteWriter, sentAtMs = performance.now()): Buffer {
  writer.f64At(SENT_AT, sentAtMs);
  return writer.done();
}

/** Encodes a whole message of a kind that is rare or short. */
export function encodeMessage(origin: MessageOrigin, message: JsonMessage | Receipt, sentAtMs?: number): Buffer {
  const writer = begin(origin, message.kind);
  if (message.kind === 'receipt') {
    writer.u32(message.number);
    for (const [index, failure] of message.refused) {
      writer.u32(index);
      writer.u8(FAILURES.indexOf(failure));
    }
    for (const [index, { delivered, skipped, held }] of message.counts ?? []) {
      writer.u32(index);
      writer.u8(held === undefined ? COUNTS : COUNTS_WITH_HELD);
      writer.u32(delivered);
      writer.u32(skipped);
      if (held !== undefined) writer.u32(held);
    }
    for (const index of message.held ?? []) {
      writer.u32(index);
      writer.u8(HELD);
    }
  } else writer.bytes(encodeJsonBody(message));
  return finish(writer, sentAtMs);
}

/** Writes an event after its length, so that a reader can skip an event of a newer version. */
export function writeEvent(writer: ByteWriter, clusterEvent: ClusterEvent): void {
  writer.u8(EVENTS[clusterEvent.type]);
  const at = writer.length;
  writer.u32(0);
  if (clusterEvent.type === 'broadcast') {
    writer.id(clusterEvent.sender);
    writer.bytes(clusterEvent.frame);
  } else if (clusterEvent.type === 'departed') {
    writer.id(clusterEvent.id);
    writer.u16(clusterEvent.code);
  } else if (clusterEvent.type === 'arrived') {
    writer.id(clusterEvent.sessionInfo.id);
    writer.text(clusterEvent.sessionInfo.user ?? '');
  } else {
    writer.id(clusterEvent.id);
    if ('room' in clusterEvent) writer.id(clusterEvent.room);
  }
  writer.u32At(at, writer.length - at - 4);
}

/** Writes a request after its length, so that a reader can skip a request of a newer version. */
export function writeRequest(writer: ByteWriter, request: Request): void {
  writer.u8(REQUESTS[request.type]);
  const at = writer.length;
  writer.u32(0);
  // A user has up to 127 characters of any kind, and does not fit into the form of an id.
  if (request.type === 'groupMessage') writer.text(request.receiver);
  else writer.id(request.receiver);
  if ('frame' in request) {
    writer.id(request.sender);
    writer.bytes(request.frame);
  } else if (request.type === 'kick') writer.u16(request.code);
  else writer.id(request.room);
  writer.u32At(at, writer.length - at - 4);
}

/** Returns the version of a message. Read it first, because the rest depends on it. */
export function versionOf(bytes: Uint8Array): number {
  return bytes[0] ?? 0;
}

export function isSupported(version: number): boolean {
  return version >= 1 && Math.abs(version - NODE_VERSION) <= 1;
}

/** A message of which only the head is decoded. */
export interface EncodedMessage {
  readonly head: Head;
  /** `undefined` for a kind of a newer version. */
  readonly kind: Kind | undefined;
  readonly body: ByteReader;
}

/** Decodes the head of a message of a supported version. @throws {Error} where the bytes are no such message */
export function decodeHead(bytes: Uint8Array): EncodedMessage {
  const body = new ByteReader(bytes);
  const version = body.u8();
  const kind = KIND_OF.get(body.u8());
  const incarnation = body.u32();
  const sentAtMs = body.f64();
  return { head: { version, nodeId: body.id(), incarnation, sentAtMs }, kind, body };
}

/** Decodes the rest of a message, once. @throws {Error} where the bytes are no such message */
export function decodeBody({ kind, body }: EncodedMessage): NodeMessage {
  return readBody(kind, body);
}

function readBody(kind: Kind | undefined, reader: ByteReader): NodeMessage {
  if (kind === undefined) return { kind: 'unknown' };
  if (kind === 'events')
    return { kind, sequence: reader.u32(), items: readItems(reader, readEvent).filter((item) => item !== undefined) };
  if (kind === 'batch')
    return { kind, number: reader.u32(), maxAgeMs: reader.f64(), items: readItems(reader, readRequest) };
  if (kind === 'receipt') return readReceipt(reader);
  return decodeJsonBody(kind, reader.bytes());
}

function readReceipt(reader: ByteReader): Receipt {
  const number = reader.u32();
  const refused: [number, RequestFailure][] = [];
  const counts: [number, GroupReceipt][] = [];
  const held: number[] = [];
  while (!reader.atEnd) {
    const index = reader.u32();
    const outcome = reader.u8();
    if (outcome === HELD) held.push(index);
    else if (outcome !== COUNTS && outcome !== COUNTS_WITH_HELD)
      refused.push([index, FAILURES[outcome] ?? 'unavailable']);
    else {
      const counted = { delivered: reader.u32(), skipped: reader.u32() };
      counts.push([index, outcome === COUNTS ? counted : { ...counted, held: reader.u32() }]);
    }
  }
  const optional = { ...(counts.length > 0 && { counts }), ...(held.length > 0 && { held }) };
  return { kind: 'receipt', number, refused, ...optional };
}

/** Reads all items. An item of a newer version becomes `undefined`, so that the indexes of the others stay. */
function readItems<Item>(reader: ByteReader, read: (type: number, item: ByteReader) => Item): Item[] {
  const items: Item[] = [];
  while (!reader.atEnd) items.push(reader.item(reader.u8(), read));
  return items;
}

function readEvent(type: number, item: ByteReader): ClusterEvent | undefined {
  if (type === EVENTS.broadcast) return { type: 'broadcast', sender: item.id(), frame: item.bytes() as Frame };
  if (type === EVENTS.departed) return { type: 'departed', id: item.id(), code: item.u16() };
  if (type === EVENTS.joined) return { type: 'joined', id: item.id(), room: readRoom(item) };
  if (type === EVENTS.left) return { type: 'left', id: item.id(), room: readRoom(item) };
  if (type === EVENTS.away) return { type: 'away', id: item.id() };
  if (type === EVENTS.back) return { type: 'back', id: item.id() };
  if (type !== EVENTS.arrived) return undefined;
  const id = item.id();
  const user = item.bytes().toString();
  const sessionInfo: SessionInfo = user === '' ? { id } : { id, user };
  return { type: 'arrived', sessionInfo };
}

function readRequest(type: number, item: ByteReader): Request | undefined {
  switch (type) {
    case REQUESTS.message:
      return { type: 'message', receiver: item.id(), sender: item.id(), frame: item.bytes() as Frame };
    case REQUESTS.groupMessage:
      return { type: 'groupMessage', receiver: readGroup(item), sender: item.id(), frame: item.bytes() as Frame };
    case REQUESTS.kick:
      return { type: 'kick', receiver: item.id(), code: item.u16() };
    case REQUESTS.join:
      return { type: 'join', receiver: item.id(), room: readRoom(item) };
    case REQUESTS.leave:
      return { type: 'leave', receiver: item.id(), room: readRoom(item) };
    default:
      return undefined;
  }
}

/** Reads the name of a room. Checks the name, because frames bear it without escapes. */
function readRoom(item: ByteReader): string {
  const room = item.id();
  if (!isRoomName(room)) throw new RangeError('the message has an invalid name of a room');
  return room;
}

function readGroup(item: ByteReader): string {
  const receiver = item.text();
  if (!isGroup(receiver)) throw new RangeError('the receiver of the message is no user and no room');
  return receiver;
}
