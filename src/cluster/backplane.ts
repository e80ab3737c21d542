import type { ErrorCode, Frame } from '../protocol/index.js';

/** The reason why a message was not put on its receiver's connection. */
export type DeliveryFailure = Extract<ErrorCode, 'receiver_not_found' | 'receiver_overloaded' | 'unavailable'>;

/**
 * The outcome of a message to one session: `undefined` means that the message is on the connection of its receiver, and
 * `held` that the message is kept, because the receiver is away.
 */
export type DeliveryOutcome = DeliveryFailure | 'held' | undefined;

/** Called once with the outcome of a queued message. */
export type DeliveryCallback = (outcome: DeliveryOutcome) => void;

/** The reason why server code could not put a remote session into a room, or take it out. */
export type RoomFailure = Exclude<DeliveryFailure, 'receiver_overloaded'> | 'too_many_rooms';

/** How many sessions of a node got a message to a user or a room. */
export interface GroupReceipt {
  /** Sessions on whose connections the message was put. */
  readonly delivered: number;
  /** Sessions that were passed over, because they read too slowly or too much is kept for them. */
  readonly skipped: number;
  /** Sessions that are away, for which the message is kept; absent where there are none. */
  readonly held?: number;
}

/** Called once with the outcome of a message to the members of a group on one node. */
export type GroupCallback = (outcome: GroupReceipt | DeliveryFailure) => void;

/** A change that server code makes to a room, for one session. */
export type RoomChange = 'join' | 'leave';

/** A session as nodes announce it to each other. */
export interface SessionInfo {
  readonly id: string;
  readonly user?: string | undefined;
  /** Names of its rooms, in a snapshot; absent where there are none. */
  readonly rooms?: readonly string[] | undefined;
  /** Whether the session is away, in a snapshot; absent where a client is connected. */
  readonly away?: boolean | undefined;
}

/** The details of a session that the HTTP API shows, as its node sends them. */
export type SessionDetails = Readonly<Record<string, unknown>>;

/**
 * Knowledge of this node about another node:
 *
 * - `alive`: the node is a member of the cluster.
 * - `gone`: the node has left, or was declared dead. A node never returns under its id.
 * - `unseen`: no live node has this id.
 * - `uncertain`: this node has not joined yet, or so recently that it may not know every live node.
 */
export type NodeStanding = 'alive' | 'gone' | 'unseen' | 'uncertain';

/** The result of an RPC; `too_large` where the request or its reply exceeds `max_payload` of NATS. */
export type RpcResult = { readonly reply: unknown } | 'unavailable' | 'too_large';

/** The reason why a node does not reach the other nodes, and since when. */
export interface Outage {
  /** The moment when it began, on the monotonic clock. */
  readonly sinceMs: number;
  /**
   * - `starting`: the node has not joined its cluster yet.
   * - `lost`: the connection was lost, which most often lasts a moment.
   * - `refused`: the connection does not carry what the node needs, such as a subject that is denied to its user.
   */
  readonly kind: 'starting' | 'lost' | 'refused';
  readonly reason: string;
}

/** This node as its backplane sees it: the local sessions, and the directory of remote ones. */
export interface ClusterDelegate {
  /** Lists all sessions of this node. */
  localSessions(): Iterable<SessionInfo>;
  /** Lists the ids of the remote sessions of one node. The caller may remove the current one while iterating. */
  remoteSessions(nodeId: string): Iterable<string>;
  /**
   * Adds a remote session, before anything else of that session. Of a known one, replaces the rooms and the state by
   * those of the snapshot, and notifies others of the difference.
   */
  remoteArrived(sessionInfo: SessionInfo): void;
  /** Adds a remote session to a room. Does nothing for an unknown session, or for a member. */
  remoteJoined(id: string, room: string): void;
  /** Removes a remote session from a room. Does nothing where the session is no member. */
  remoteLeft(id: string, room: string): void;
  /** Records that a remote session is away. Does nothing for an unknown one. */
  remoteAway(id: string): void;
  /** Records that the client of a remote session has come back. */
  remoteBack(id: string): void;
  /** Removes a remote session, after everything else of that session. Does nothing for an unknown one. */
  remoteDeparted(id: string, code: number): void;
  /** Puts a message of a remote session, or of a remote server, on a local connection. Copies the frame. */
  deliverLocal(sender: string, receiver: string, frame: Frame): DeliveryOutcome;
  /** Puts a remote broadcast on every local connection. Copies the frame. */
  broadcast(frame: Frame): void;
  /** Puts a message of a remote session or server on the connections of the local members of a user or room. Copies the frame. */
  deliverToGroup(sender: string, receiver: string, frame: Frame): GroupReceipt;
  /** Puts a local session into a room or takes it out, for server code of another node. */
  changeRoom(change: RoomChange, id: string, room: string): RoomFailure | undefined;
  /** Closes local sessions at one moment. @returns for each id whether an open session has it */
  kick(ids: readonly string[], code: number): readonly boolean[];
  /** Returns the details of those of these sessions that are local. */
  sessionDetails(ids: readonly string[]): SessionDetails[];
  /** Executes the RPC of another node; rejects where this node executes none. @returns plain data */
  rpc(body: unknown): Promise<unknown>;
  /** Ends all local sessions, because other nodes have declared this node dead. */
  onFenced(): void;
}

/** Connects this node to the other nodes of its cluster. `messaging/` uses it in the same way on a single node. */
export abstract class Backplane {
  /** Since when and why other nodes cannot be reached; `undefined` while they can, or while there are none. */
  abstract readonly outage: Outage | undefined;
  /** Other nodes that are alive. */
  abstract readonly peerCount: number;
  /** Queued messages without an outcome. */
  abstract readonly waiting: number;

  /** Joins the cluster. Resolves when the remote sessions are known, or when no other node can be reached. */
  abstract start(delegate: ClusterDelegate): Promise<void>;

  /** Leaves the cluster, after everything that was published before. */
  abstract stop(): Promise<void>;

  /**
   * Queues a message for the node of its receiver. Copies the frame, whose bytes the caller may overwrite. The callback
   * gets the outcome where the result is `queued`, and is never called otherwise. A session of this node is
   * `receiver_not_found`.
   */
  abstract deliver(
    sender: string,
    receiver: string,
    frame: Frame,
    callback: DeliveryCallback,
  ): 'queued' | DeliveryFailure;

  /** Whether {@link broadcast} would now queue a frame of so many bytes, or needs not to. */
  abstract canBroadcast(bytes: number): boolean;

  /**
   * Queues a broadcast for all other nodes.
   *
   * @returns `false`, and queues nothing, where {@link canBroadcast} is false
   */
  abstract broadcast(sender: string, frame: Frame): boolean;

  /** Announces a local session to all other nodes, before anything else of that session. */
  abstract arrived(sessionInfo: SessionInfo): void;

  /** Announces the departure of a local session to all other nodes, after everything else of that session. */
  abstract departed(id: string, code: number): void;

  /** Announces that a local session joined a room, before any message of the session to the room. */
  abstract joined(id: string, room: string): void;

  /** Announces that a local session left a room and is still open, after its last message to the room. */
  abstract left(id: string, room: string): void;

  /** Announces that a local session is away. A node of the version before ignores it. */
  abstract away(id: string): void;

  /** Announces that the client of a local session has come back, before any later message of the session. */
  abstract back(id: string): void;

  /**
   * Queues a message for the members of a user or room on one other node. Copies the frame, whose bytes the caller may
   * overwrite. The callback gets the outcome where the result is `queued`, and is never called otherwise.
   *
   * @param receiver `@USER` or `#ROOM`
   */
  abstract deliverToGroup(
    nodeId: string,
    sender: string,
    receiver: string,
    frame: Frame,
    callback: GroupCallback,
  ): 'queued' | 'unavailable';

  /**
   * Puts a remote session into a room or takes it out.
   *
   * @returns the reason why that failed
   */
  abstract changeRoom(change: RoomChange, id: string, room: string): Promise<RoomFailure | undefined>;

  /** Closes a remote session. @returns the reason why it was not closed */
  abstract kick(id: string, code: number): Promise<DeliveryFailure | undefined>;

  /** Returns the details of remote sessions. Leaves out those whose node does not answer in time. */
  abstract sessionDetails(ids: readonly string[]): Promise<readonly SessionDetails[]>;

  /** Returns the node that owns a key, the same on every node; `undefined` where this node owns it. */
  abstract ownerOf(key: string): string | undefined;

  /** Returns what this node knows of another node. */
  abstract standingOf(nodeId: string): NodeStanding;

  /** Calls another node. Resolves with `unavailable` where it fails, or where no answer comes in time. */
  abstract rpc(nodeId: string, body: unknown): Promise<RpcResult>;

  /** Resolves when everything that this node has published is on the NATS server. */
  abstract flushed(): Promise<void>;
}
