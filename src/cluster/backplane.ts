import type { ErrorCode, Frame } from '../protocol/index.js';

/** Why a message was not put on its receiver's connection. */
export type DeliveryFailure = Extract<ErrorCode, 'receiver_not_found' | 'receiver_overloaded' | 'unavailable'>;

/** Told once what became of a message handed on: the refusal, or nothing where it is on the receiver's connection. */
export type DeliveryCallback = (failure: DeliveryFailure | undefined) => void;

/** A session of this node or another, as nodes tell one another of it. */
export interface SessionInfo {
  readonly id: string;
  /** Where the operator shows users. */
  readonly user?: string | undefined;
}

/** What an operator may know of a session, as its node tells it. */
export type SessionDetails = Readonly<Record<string, unknown>>;

/** What a backplane asks and tells its own node. */
export interface ClusterDelegate {
  /** All sessions of this node now. */
  localSessions(): Iterable<SessionInfo>;
  /** Puts a message of another node's session, or server, on a connection of this one. */
  deliverLocal(sender: string, receiver: string, frame: Frame): DeliveryFailure | undefined;
  /** Puts a broadcast of another node on every connection of this one. */
  broadcast(sender: string, frame: Frame): void;
  /** Another node's session came; told once, before anything of it. */
  remoteArrived(sessionInfo: SessionInfo): void;
  /** Another node's session left; told once, after everything of it. */
  remoteDeparted(id: string, code: number): void;
  /** Closes a session of this node for another one; `false` where there is none of this id. */
  kick(id: string): boolean;
  /** What an operator may know of these sessions, as far as they are here. */
  sessionDetails(ids: readonly string[]): SessionDetails[];
  /** Does what another node asks for in words of its own; the answer is plain data. */
  rpc(work: unknown): Promise<unknown>;
  /** The other nodes have given this one up: its sessions must end, now. */
  onFenced(): void;
}

/** How nodes talk. The one way from `messaging/` to other nodes; nothing above it asks whether there are any. */
export abstract class Backplane {
  /** Since when others cannot be reached, on the monotonic clock. */
  abstract readonly disconnectedSinceMs: number | undefined;
  /** Other nodes that are alive as far as this one knows. */
  abstract readonly peerCount: number;
  /** Messages handed on that have no answer yet. */
  abstract readonly waiting: number;

  /** Begins to speak for this node; resolves when it knows who is where, or that nobody can be asked. */
  abstract start(delegate: ClusterDelegate): Promise<void>;

  /** Says goodbye, after everything said before. */
  abstract stop(): Promise<void>;

  /** Whether {@link deliver} would hand on a message of so many bytes to this id now. */
  abstract reaches(receiver: string, bytes: number): boolean;

  /** Whether {@link broadcast} would hand on so many bytes to all other nodes now. */
  abstract reachesAll(bytes: number): boolean;

  /** Hands a message on to the node of its receiver; returns why not, or tells the answer later. */
  abstract deliver(
    sender: string,
    receiver: string,
    frame: Frame,
    callback: DeliveryCallback,
  ): DeliveryFailure | undefined;

  /** Hands a broadcast on to all other nodes; `false` where some are missed. */
  abstract broadcast(sender: string, frame: Frame): boolean;

  /** A session of this node came. Said to the others before anything else of it. */
  abstract arrived(sessionInfo: SessionInfo): void;

  /** A session of this node left. Said to the others after everything of it. */
  abstract departed(id: string, code: number): void;

  /** Closes another node's session. @returns why not */
  abstract kick(id: string): Promise<DeliveryFailure | undefined>;

  /** What an operator may know of other nodes' sessions; what is not known in time is missing. */
  abstract sessionDetails(ids: readonly string[]): Promise<readonly SessionDetails[]>;

  /** The other node that is to remember what was done under a key, where it is not this one: all agree which it is. */
  abstract ownerOf(key: string): string | undefined;

  /** Asks a node to do something; resolves with nothing where no answer comes in time. */
  abstract rpc(part: string, work: unknown): Promise<unknown>;

  /** Resolves when everything said by this node until now has reached the backplane's medium. */
  abstract flushed(): Promise<void>;
}
