import type { Frame } from '../../protocol/index.js';
import type { SessionInfo, DeliveryFailure } from '../backplane.js';

/**
 * What nodes say to one another. This version, the one before and the one after work together: whoever adds a kind or a
 * field raises the version, and sees to it that the version before may pass over what is new.
 */
export const NODE_VERSION = 2;

/** The head of every message. */
export interface Head {
  readonly version: number;
  /** The node part of who says it. */
  readonly nodeId: string;
  /** Which of its links it was said on, counted from 1; what comes from an older one is not heard. */
  readonly incarnation: number;
  /** When it was said, by the monotonic clock of who says it. */
  readonly sentAtMs: number;
}

/** What all nodes are told, in one numbered order. */
export type ClusterEvent =
  | { readonly type: 'arrived'; readonly sessionInfo: SessionInfo }
  | { readonly type: 'departed'; readonly id: string; readonly code: number }
  | { readonly type: 'broadcast'; readonly sender: string; readonly frame: Frame };

/** What one node asks of another; answered by its place in the batch. */
export type Request =
  | { readonly type: 'message'; readonly sender: string; readonly receiver: string; readonly frame: Frame }
  | { readonly type: 'kick'; readonly receiver: string };

/** Still alive; `sequence` is that of the last news, so that the loss of the last is noticed too. */
export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly sequence: number;
}

/** A piece of the list of all sessions of a node, as they were after the news of this number. */
export interface Snapshot {
  readonly kind: 'snapshot';
  readonly sequence: number;
  readonly first: boolean;
  readonly last: boolean;
  /** Which piece it is, counted from 0; version 1 does not say it. */
  readonly piece?: number;
  /** Whether the others shall send theirs: the node has just come or come back. */
  readonly asks: boolean;
  readonly here: readonly SessionInfo[];
  /** Who left lately and with which code, for nodes that missed it. */
  readonly left: readonly (readonly [id: string, code: number])[];
}

export interface EventBatch {
  readonly kind: 'news';
  readonly sequence: number;
  readonly items: readonly ClusterEvent[];
}

/** Asks for a receipt of this number before half of the sender's time-out is over. */
export interface Batch {
  readonly kind: 'batch';
  readonly number: number;
  /** How old it may be when it is carried out. */
  readonly maxAgeMs: number;
  /** `undefined` stands for a type of a newer version, which is refused. */
  readonly items: readonly (Request | undefined)[];
}

/** What a batch could not do; what is not named here was done. */
export interface Receipt {
  readonly kind: 'receipt';
  readonly number: number;
  readonly refused: readonly (readonly [index: number, refusal: DeliveryFailure])[];
}

/** Asks one node for its snapshot: news were missed. */
export interface SnapshotRequest {
  readonly kind: 'want';
}

/** Tells a node that it was given up under this name. */
export interface Fenced {
  readonly kind: 'fenced';
  readonly part: string;
}

/** Goodbye; whoever is still listed has left. */
export interface Leave {
  readonly kind: 'leave';
}

/** Asks a node for something that is no message: what may be known of its sessions, or some work. */
export interface RpcRequest {
  readonly kind: 'question';
  readonly number: number;
  readonly views?: readonly string[];
  readonly work?: unknown;
}

/** Answers a question of this number. */
export interface RpcResponse {
  readonly kind: 'reply';
  readonly number: number;
  readonly reply: unknown;
}

/** A kind of a newer version, to be passed over. */
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
  | Unknown;

export type Kind = Exclude<NodeMessage['kind'], 'unknown'>;

/** The numbers of the kinds on the wire; never given to another. */
export const KINDS: Readonly<Record<Kind, number>> = {
  heartbeat: 1,
  snapshot: 2,
  news: 3,
  batch: 4,
  receipt: 5,
  want: 6,
  fenced: 7,
  leave: 8,
  question: 9,
  reply: 10,
};
