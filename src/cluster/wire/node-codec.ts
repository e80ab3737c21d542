import type { Frame } from '../../protocol/index.js';
import type { SessionInfo, DeliveryFailure } from '../backplane.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import {
  KINDS,
  NODE_VERSION,
  type Head,
  type Kind,
  type ClusterEvent,
  type NodeMessage,
  type Request,
  type Snapshot,
} from './node-message.js';

const KIND_OF = new Map(Object.entries(KINDS).map(([kind, number]) => [number, kind as Kind]));
/** Where the head says when it was sent: behind the version, the kind and the link. */
const SENT_AT = 6;
const NEWS = { arrived: 1, departed: 2, broadcast: 3 } as const;
const REQUESTS = { message: 1, kick: 2 } as const;
const REFUSALS: readonly DeliveryFailure[] = ['unavailable', 'receiver_not_found', 'receiver_overloaded'];

/** What is in the messages that are not made for speed. */
type PlainMessage = Exclude<NodeMessage, { kind: 'news' | 'batch' | 'unknown' }>;

/** Who speaks: what the head of its messages says. */
export type MessageOrigin = Pick<Head, 'nodeId' | 'incarnation'>;

/** Begins a message; its moment is set when it leaves. */
export function begin(origin: MessageOrigin, kind: Kind, room = 256): ByteWriter {
  const writer = new ByteWriter(room);
  writer.u8(NODE_VERSION);
  writer.u8(KINDS[kind]);
  writer.u32(origin.incarnation);
  writer.f64(0);
  writer.id(origin.nodeId);
  return writer;
}

/** Ends a message: it leaves now. */
export function finish(writer: ByteWriter): Buffer {
  writer.f64At(SENT_AT, performance.now());
  return writer.done();
}

/** Encodes one message of the kinds that are rare or short. */
export function encodeMessage(origin: MessageOrigin, message: PlainMessage): Buffer {
  const writer = begin(origin, message.kind);
  if (message.kind === 'receipt') {
    writer.u32(message.number);
    for (const [index, refusal] of message.refused) {
      writer.u32(index);
      writer.u8(REFUSALS.indexOf(refusal));
    }
  } else {
    const { kind: _, ...body } = message;
    writer.bytes(Buffer.from(JSON.stringify(body)));
  }
  return finish(writer);
}

/** Each item has its length in front, so that one of a newer type can be passed over. */
export function writeEvent(writer: ByteWriter, clusterEvent: ClusterEvent): void {
  writer.u8(NEWS[clusterEvent.type]);
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

/** The version, before anything else is believed. */
export function versionOf(bytes: Uint8Array): number {
  return bytes[0] ?? 0;
}

export function isSupported(version: number): boolean {
  return version >= 1 && Math.abs(version - NODE_VERSION) <= 1;
}

/** @throws {Error} where the bytes are no message of a version that is understood */
export function decodeMessage(bytes: Uint8Array): { readonly head: Head; readonly message: NodeMessage } {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  const kind = KIND_OF.get(reader.u8());
  const incarnation = reader.u32();
  const sentAtMs = reader.f64();
  const head: Head = { version, nodeId: reader.id(), incarnation, sentAtMs };
  return { head, message: readBody(kind, reader) };
}

function readBody(kind: Kind | undefined, reader: ByteReader): NodeMessage {
  if (kind === undefined) return { kind: 'unknown' };
  if (kind === 'news')
    return { kind, sequence: reader.u32(), items: readItems(reader, readNews).filter((item) => item !== undefined) };
  if (kind === 'batch')
    return { kind, number: reader.u32(), maxAgeMs: reader.f64(), items: readItems(reader, readRequest) };
  if (kind === 'receipt') {
    const number = reader.u32();
    const refused: [number, DeliveryFailure][] = [];
    while (!reader.atEnd) refused.push([reader.u32(), REFUSALS[reader.u8()] ?? 'unavailable']);
    return { kind, number, refused };
  }
  return { ...(JSON.parse(reader.bytes().toString()) as Omit<Snapshot, 'kind'>), kind } as NodeMessage;
}

/** An item of a newer type keeps its place as `undefined`. */
function readItems<Item>(reader: ByteReader, read: (type: number, item: ByteReader) => Item): Item[] {
  const items: Item[] = [];
  while (!reader.atEnd) items.push(read(reader.u8(), new ByteReader(reader.bytes())));
  return items;
}

function readNews(type: number, item: ByteReader): ClusterEvent | undefined {
  if (type === NEWS.broadcast) return { type: 'broadcast', sender: item.id(), frame: item.bytes() as Frame };
  if (type === NEWS.departed) return { type: 'departed', id: item.id(), code: item.u16() };
  if (type !== NEWS.arrived) return undefined;
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
