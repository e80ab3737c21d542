import type { Frame } from '../../protocol/index.js';
import type { DeliveryFailure, SessionInfo } from '../backplane.js';
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
} from './node-message.js';

const KIND_OF = new Map(Object.entries(KINDS).map(([kind, number]) => [number, kind as Kind]));
/** The offset of `sentAtMs` in the head, after the version, the kind and the incarnation. */
const SENT_AT = 6;
const EVENTS = { arrived: 1, departed: 2, broadcast: 3 } as const;
const REQUESTS = { message: 1, kick: 2 } as const;
const FAILURES: readonly DeliveryFailure[] = ['unavailable', 'receiver_not_found', 'receiver_overloaded'];

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
  } else {
    writer.id(clusterEvent.sessionInfo.id);
    writer.bytes(Buffer.from(clusterEvent.sessionInfo.user ?? ''));
  }
  writer.u32At(at, writer.length - at - 4);
}

/** Writes a request after its length, so that a reader can skip a request of a newer version. */
export function writeRequest(writer: ByteWriter, request: Request): void {
  writer.u8(REQUESTS[request.type]);
  const at = writer.length;
  writer.u32(0);
  writer.id(request.receiver);
  if (request.type === 'message') {
    writer.id(request.sender);
    writer.bytes(request.frame);
  }
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
  if (kind === 'receipt') {
    const number = reader.u32();
    const refused: [number, DeliveryFailure][] = [];
    while (!reader.atEnd) refused.push([reader.u32(), FAILURES[reader.u8()] ?? 'unavailable']);
    return { kind, number, refused };
  }
  return decodeJsonBody(kind, reader.bytes());
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
  if (type !== EVENTS.arrived) return undefined;
  const id = item.id();
  const user = item.bytes().toString();
  const sessionInfo: SessionInfo = user === '' ? { id } : { id, user };
  return { type: 'arrived', sessionInfo };
}

function readRequest(type: number, item: ByteReader): Request | undefined {
  if (type === REQUESTS.kick) return { type: 'kick', receiver: item.id() };
  if (type !== REQUESTS.message) return undefined;
  return { type: 'message', receiver: item.id(), sender: item.id(), frame: item.bytes() as Frame };
}
