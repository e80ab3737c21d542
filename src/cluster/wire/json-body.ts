import { isRoomName } from '../../protocol/index.js';
import type { SessionInfo } from '../backplane.js';
import type {
  Departure,
  Fenced,
  Heartbeat,
  Leave,
  NodeMessage,
  Probe,
  RpcRequest,
  RpcResponse,
  Snapshot,
  SnapshotRequest,
} from './node-message.js';

/** The messages whose body is JSON, because they are rare or short. */
export type JsonMessage = Heartbeat | Snapshot | SnapshotRequest | Fenced | Leave | RpcRequest | RpcResponse | Probe;

/** The kinds of {@link JsonMessage}. */
export type JsonKind = JsonMessage['kind'];

/** The keys of all JSON bodies. They differ from the fields in code, because nodes of the version before read them. */
interface JsonBody {
  readonly sequence: number;
  readonly first: boolean;
  readonly last: boolean;
  readonly piece?: number;
  readonly asks: boolean;
  readonly here: readonly SessionInfo[];
  readonly left: readonly Departure[];
  readonly part: string;
  readonly number: number;
  readonly views?: readonly string[];
  readonly work?: unknown;
  readonly reply?: unknown;
  readonly fault?: RpcResponse['failure'];
  readonly subject: string;
}

type FieldCheck = (value: unknown) => boolean;

const isCount: FieldCheck = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isFlag: FieldCheck = (value) => typeof value === 'boolean';
const isText: FieldCheck = (value) => typeof value === 'string';
const isTexts: FieldCheck = (value) => Array.isArray(value) && value.every(isText);
const isRooms: FieldCheck = (value) => Array.isArray(value) && value.every(isRoomName);
const isSessions: FieldCheck = (value) => Array.isArray(value) && value.every(isSessionInfo);
const isDepartures: FieldCheck = (value) => Array.isArray(value) && value.every(isDeparture);

/** The fields that each kind requires, by their keys. Optional fields are checked where they are present. */
const FIELDS: Readonly<Record<JsonKind, Readonly<Record<string, FieldCheck>>>> = {
  heartbeat: { sequence: isCount },
  snapshot: { sequence: isCount, first: isFlag, last: isFlag, asks: isFlag, here: isSessions, left: isDepartures },
  snapshotRequest: {},
  fenced: { part: isText },
  leave: {},
  rpcRequest: { number: isCount },
  rpcResponse: { number: isCount },
  probe: { subject: isText },
};
const OPTIONAL_FIELDS: Readonly<Record<string, FieldCheck>> = { piece: isCount, views: isTexts };

/** Encodes the body of a message as JSON. */
export function encodeJsonBody(message: JsonMessage): Buffer {
  return Buffer.from(JSON.stringify(toJson(message)));
}

/**
 * Decodes the JSON body of a message. The whole body is checked first, because a message must not fail half-way through
 * its effects.
 *
 * @throws {SyntaxError} where the bytes are no JSON or a field is missing or of the wrong type
 */
export function decodeJsonBody(kind: JsonKind, bytes: Buffer): NodeMessage {
  const body = checkedBody(kind, JSON.parse(bytes.toString()));
  switch (kind) {
    case 'heartbeat':
      return { kind, sequence: body.sequence };
    case 'snapshot': {
      const { sequence, first, last, piece: chunk, asks: requestsSnapshots, here: sessions, left: departures } = body;
      const head = { kind, sequence, first, last, requestsSnapshots };
      return { ...head, ...(chunk !== undefined && { chunk }), sessions, departures };
    }
    case 'fenced':
      return { kind, nodeId: body.part };
    case 'rpcRequest':
      return { kind, number: body.number, detailsOf: body.views, body: body.work };
    case 'rpcResponse':
      return { kind, number: body.number, reply: body.reply, failure: body.fault };
    case 'probe':
      return { kind, subject: body.subject };
    default:
      return { kind };
  }
}

function toJson(message: JsonMessage): Partial<JsonBody> {
  switch (message.kind) {
    case 'heartbeat':
      return { sequence: message.sequence };
    case 'snapshot': {
      const { sequence, first, last, chunk, requestsSnapshots: asks, sessions: here, departures: left } = message;
      return { sequence, first, last, ...(chunk !== undefined && { piece: chunk }), asks, here, left };
    }
    case 'fenced':
      return { part: message.nodeId };
    case 'rpcRequest': {
      const { number, detailsOf, body } = message;
      return { number, ...(detailsOf !== undefined && { views: detailsOf }), work: body };
    }
    case 'rpcResponse':
      return { number: message.number, reply: message.reply, fault: message.failure };
    case 'probe':
      return { subject: message.subject };
    default:
      return {};
  }
}

function checkedBody(kind: JsonKind, body: unknown): JsonBody {
  if (!isObject(body)) throw new SyntaxError(`the body of a ${kind} is not an object`);
  for (const [key, check] of Object.entries(FIELDS[kind]))
    if (!check(body[key])) throw new SyntaxError(`the body of a ${kind} has no valid "${key}"`);
  for (const [key, check] of Object.entries(OPTIONAL_FIELDS))
    if (body[key] !== undefined && !check(body[key]))
      throw new SyntaxError(`the body of a ${kind} has no valid "${key}"`);
  return body as unknown as JsonBody;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSessionInfo(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { id, user, rooms, away } = value;
  if (away !== undefined && !isFlag(away)) return false;
  return isText(id) && (user === undefined || isText(user)) && (rooms === undefined || isRooms(rooms));
}

function isDeparture(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && isText(value[0]) && isCount(value[1]);
}
