import type { SessionInfo } from '../backplane.js';
import type {
  Departure,
  Fenced,
  Heartbeat,
  Leave,
  NodeMessage,
  RpcRequest,
  RpcResponse,
  Snapshot,
  SnapshotRequest,
} from './node-message.js';

/** The messages whose body is JSON, because they are rare or short. */
export type JsonMessage = Heartbeat | Snapshot | SnapshotRequest | Fenced | Leave | RpcRequest | RpcResponse;

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
}

/** Encodes the body of a message as JSON. */
export function encodeJsonBody(message: JsonMessage): Buffer {
  return Buffer.from(JSON.stringify(toJson(message)));
}

/** Decodes the JSON body of a message. @throws {SyntaxError} where the bytes are no JSON */
export function decodeJsonBody(kind: JsonKind, bytes: Buffer): NodeMessage {
  const body = JSON.parse(bytes.toString()) as JsonBody;
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
    default:
      return {};
  }
}
