import type { Frame } from '../../protocol/index.js';
import type { DeliveryFailure, GroupReceipt, RoomChange, RoomFailure, SessionInfo } from '../backplane.js';

/**
 * The version of the messages between nodes. A node understands this version, the one before and the one after. Raise
 * it with every new kind or field, and let the version before skip what is new.
 */
export const NODE_VERSION = 4;

/** The head of every message. */
export interface Head {
  readonly version: number;
  /** The node that sent the message. */
  readonly nodeId: string;
  /** The NATS connection of that node, counted from 1. Messages of an older incarnation are ignored. */
  readonly incarnation: number;
  /** The moment of sending, on the monotonic clock of the sending node. */
  readonly sentAtMs: number;
}

/** An event that all nodes apply in one numbered order. */
export type ClusterEvent =
  | { readonly type: 'arrived'; readonly sessionInfo: SessionInfo }
  | { readonly type: 'departed'; readonly id: string; readonly code: number }
  | { readonly type: 'joined' | 'left'; readonly id: string; readonly room: string }
  | { readonly type: 'away' | 'back'; readonly id: string }
  | { readonly type: 'broadcast'; readonly sender: string; readonly frame: Frame };

/** A message to one session, or to the members of a user or room on one node. */
interface MessageRequest {
  readonly type: 'message' | 'groupMessage';
  readonly sender: string;
  readonly receiver: string;
  readonly frame: Frame;
}

/** A request to one node, identified by its index in the batch. The receiver is a session, except in a `groupMessage`. */
export type Request =
  | MessageRequest
  | { readonly type: 'kick'; readonly receiver: string; readonly code: number }
  | { readonly type: RoomChange; readonly receiver: string; readonly room: string };

/** The reason why a request was refused. Only a {@link RoomChange} is refused with `too_many_rooms`. */
export type RequestFailure = DeliveryFailure | RoomFailure;

/** The outcome of a request; `undefined` where it succeeded. Only a `message` is `held`, because its receiver is away. */
export type RequestOutcome = RequestFailure | 'held' | undefined;

/** Shows that a node is alive. `sequence` is that of its last events, so that losing those is detected too. */
export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly sequence: number;
}

/** A departure and its close code. */
export type Departure = readonly [id: string, code: number];

/**
 * One chunk of the list of all sessions of a node, as of the events with this sequence. A session with many rooms is listed
 * several times, each time with other rooms.
 */
export interface Snapshot {
  readonly kind: 'snapshot';
  readonly sequence: number;
  readonly first: boolean;
  readonly last: boolean;
  /** The index of this chunk, counted from 0; absent in version 1. */
  readonly chunk?: number;
  /** Whether the receivers shall send their snapshots too, because the sending node has joined or reconnected. */
  readonly requestsSnapshots: boolean;
  readonly sessions: readonly SessionInfo[];
  /** Recent departures, for nodes that missed the events. */
  readonly departures: readonly Departure[];
}

/** Events in their order; each batch has the sequence of the one before plus one. */
export interface EventBatch {
  readonly kind: 'events';
  readonly sequence: number;
  readonly items: readonly ClusterEvent[];
}

/** Requests to one node, answered by a {@link Receipt} of the same number. */
export interface Batch {
  readonly kind: 'batch';
  readonly number: number;
  /** The age beyond which the batch must not be executed any more. */
  readonly maxAgeMs: number;
  /** `undefined` stands for a request of a newer version, which is refused. */
  readonly items: readonly (Request | undefined)[];
}

/** The outcome of a batch. Requests that are not listed succeeded. */
export interface Receipt {
  readonly kind: 'receipt';
  readonly number: number;
  readonly refused: readonly (readonly [index: number, failure: RequestFailure])[];
  /** The outcome of each `groupMessage` that was not refused; absent where a batch has no such message. New in version 3. */
  readonly counts?: readonly (readonly [index: number, counts: GroupReceipt])[];
  /** The indexes of messages that are kept for sessions that are away; absent where there are none. New in version 4. */
  readonly held?: readonly number[];
}

/** Asks one node for its snapshot, because events were missed. */
export interface SnapshotRequest {
  readonly kind: 'snapshotRequest';
}

/** Informs a node that it was declared dead under this id. */
export interface Fenced {
  readonly kind: 'fenced';
  readonly nodeId: string;
}

/** Announces that a node leaves the cluster. Its sessions depart. */
export interface Leave {
  readonly kind: 'leave';
}

/** Asks a node for the details of sessions, or to execute the RPC of the layer above. */
export interface RpcRequest {
  readonly kind: 'rpcRequest';
  readonly number: number;
  readonly detailsOf?: readonly string[] | undefined;
  readonly body?: unknown;
}

/** Answers the {@link RpcRequest} of this number. */
export interface RpcResponse {
  readonly kind: 'rpcResponse';
  readonly number: number;
  readonly reply?: unknown;
  /** The reason why there is no reply. */
  readonly failure?: 'unavailable' | 'too_large' | undefined;
}

/** Checks that a message of this node comes back. Only its own node reads a probe, so that it needs no new version. */
export interface Probe {
  readonly kind: 'probe';
  /** The subject that is checked, with the wildcard of its subscription. */
  readonly subject: string;
}

/** A message of a newer version, to be ignored. */
export interface Unknown {
  readonly kind: 'unknown';
}

export type NodeMessage =
  | Heartbeat
  | Snapshot
  | EventBatch
  | Batch
  | Receipt
  | SnapshotRequest
  | Fenced
  | Leave
  | RpcRequest
  | RpcResponse
  | Probe
  | Unknown;

export type Kind = Exclude<NodeMessage['kind'], 'unknown'>;

/** The numbers of the kinds on the wire. A number is never reused. */
export const KINDS: Readonly<Record<Kind, number>> = {
  heartbeat: 1,
  snapshot: 2,
  events: 3,
  batch: 4,
  receipt: 5,
  snapshotRequest: 6,
  fenced: 7,
  leave: 8,
  rpcRequest: 9,
  rpcResponse: 10,
  probe: 11,
};
