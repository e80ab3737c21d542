import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import {
  Backplane,
  type ClusterDelegate,
  type DeliveryOutcome,
  type GroupReceipt,
  type RoomChange,
  type RoomFailure,
  type SessionDetails,
  type SessionInfo,
} from '../cluster/backplane.js';
import type { Frame, ServerCloseCode } from '../protocol/index.js';
import { sessionDetails } from '../sessions/session-details.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { NO_RECEIVERS } from './group-routes.js';
import { LocalDelivery } from './local-delivery.js';
import { NoticeLog } from './notice-log.js';
import { SessionDirectory } from './session-directory.js';

/** The users and rooms of all nodes. Implemented by `groups/`, whose rank is higher. */
export interface GroupIndex {
  /** Returns the names of the rooms of a local session; `undefined` where there are none. */
  roomsOf(session: Session): readonly string[] | undefined;
  /** Called when a remote session is in the directory, and again with the rooms of each snapshot. */
  remoteArrived(sessionInfo: SessionInfo): void;
  /** Called when a remote session has left the directory. @param user its user, which the directory has no more */
  remoteDeparted(id: string, user: string | undefined, code: number): void;
  remoteJoined(id: string, room: string): void;
  remoteLeft(id: string, room: string): void;
  /** Puts a message on the connections of local members. Copies the frame once. */
  deliverLocal(sender: string, receiver: string, frame: Frame): GroupReceipt;
  /** Puts a local session into a room or takes it out, in the name of server code. */
  change(change: RoomChange, session: Session, room: string): RoomFailure | undefined;
}

/**
 * Purpose of the RPC of another node, as the field `kind` of its body names it:
 *
 * - `publish`: to publish a message of the HTTP API once. The body has no `kind`, because older nodes send none.
 * - `resume`: to let a client return to its session by way of the other node.
 */
export type RpcKind = 'publish' | 'resume';

/** Applies the events and requests of other nodes to this node, and announces this node's sessions to them. */
@Injectable()
export class LocalNode implements ClusterDelegate, OnApplicationBootstrap, OnApplicationShutdown {
  readonly #rpcs = new Map<RpcKind, (body: unknown) => Promise<unknown>>();
  #groups: GroupIndex | undefined;
  #beforeStart: () => Promise<void> = async () => undefined;

  constructor(
    private readonly backplane: Backplane,
    private readonly sessions: SessionRegistry,
    private readonly localDelivery: LocalDelivery,
    private readonly noticeLog: NoticeLog,
    private readonly sessionDirectory: SessionDirectory,
  ) {
    sessions.addListener('cluster', {
      announced: ({ id, user, state }) => {
        backplane.arrived({ id, user });
        if (state === 'away') backplane.away(id); // lost while it was opening
      },
      away: ({ id, announced }) => {
        if (announced) backplane.away(id);
      },
      back: ({ id, announced }) => {
        if (announced) backplane.back(id);
      },
      closed: ({ id, announced }, code) => {
        if (announced) backplane.departed(id, code);
      },
    });
  }

  /** Joins the cluster before the server listens, because the first session must find the remote ones. */
  async onApplicationBootstrap(): Promise<void> {
    await this.#beforeStart();
    await this.backplane.start(this);
  }

  /** Sets work that ends before this node joins its cluster and listens: the node gets the sessions of a former process. */
  beforeStart(work: () => Promise<void>): void {
    this.#beforeStart = work;
  }

  onApplicationShutdown(): Promise<void> {
    return this.backplane.stop();
  }

  *localSessions(): Iterable<SessionInfo> {
    for (const session of this.sessions.all()) {
      const { id, user, announced, state } = session;
      const away = state === 'away' ? true : undefined;
      if (announced) yield { id, user, rooms: this.#groups?.roomsOf(session), away };
    }
  }

  remoteSessions(nodeId: string): Iterable<string> {
    return this.sessionDirectory.remoteSessions(nodeId);
  }

  remoteArrived(sessionInfo: SessionInfo): void {
    const { id, user } = sessionInfo;
    if (this.sessionDirectory.addRemote(id, user)) this.noticeLog.remoteArrived(id, user);
    this.#groups?.remoteArrived(sessionInfo);
    if (sessionInfo.away === true) this.remoteAway(id);
    else this.remoteBack(id);
  }

  remoteAway(id: string): void {
    this.sessionDirectory.setRemoteAway(id);
  }

  remoteBack(id: string): void {
    this.sessionDirectory.setRemoteBack(id);
  }

  remoteDeparted(id: string, code: number): void {
    const user = this.sessionDirectory.userOf(id);
    if (!this.sessionDirectory.removeRemote(id)) return;
    this.#groups?.remoteDeparted(id, user, code); // first, because `sys.left` precedes `sys.departed`
    this.noticeLog.remoteDeparted(id, code);
  }

  remoteJoined(id: string, room: string): void {
    if (this.sessionDirectory.has(id)) this.#groups?.remoteJoined(id, room);
  }

  remoteLeft(id: string, room: string): void {
    this.#groups?.remoteLeft(id, room);
  }

  deliverLocal(sender: string, receiver: string, frame: Frame): DeliveryOutcome {
    const target = this.sessions.find(receiver);
    return target === undefined ? 'receiver_not_found' : this.localDelivery.deliverCopy(sender, target, frame);
  }

  /** Copies the frame once, because a frame that waits for a slow session would hold the whole NATS chunk. */
  broadcast(frame: Frame): void {
    this.localDelivery.fanOut(Buffer.from(frame) as Frame);
  }

  deliverToGroup(sender: string, receiver: string, frame: Frame): GroupReceipt {
    return this.#groups?.deliverLocal(sender, receiver, frame) ?? NO_RECEIVERS;
  }

  changeRoom(change: RoomChange, id: string, room: string): RoomFailure | undefined {
    const session = this.sessions.find(id);
    return session === undefined ? 'receiver_not_found' : this.#groups?.change(change, session, room);
  }

  kick(ids: readonly string[], code: number): readonly boolean[] {
    const open = new Map<string, Session>();
    const found = ids.map((id) => {
      const session = open.has(id) ? undefined : this.sessions.find(id);
      if (session !== undefined) open.set(id, session);
      return session !== undefined;
    });
    this.sessions.closeAll(code as ServerCloseCode, [...open.values()]);
    return found;
  }

  sessionDetails(ids: readonly string[]): SessionDetails[] {
    return ids.flatMap((id) => {
      const session = this.sessions.find(id);
      return session === undefined ? [] : [{ ...sessionDetails(session) }];
    });
  }

  /** Registers the function that executes the RPCs of other nodes of one kind. */
  registerRpc(kind: RpcKind, rpc: (body: unknown) => Promise<unknown>): void {
    this.#rpcs.set(kind, rpc);
  }

  /** Registers the users and rooms, which follow the sessions of all nodes. */
  registerGroups(groups: GroupIndex): void {
    this.#groups = groups;
  }

  async rpc(body: unknown): Promise<unknown> {
    const { kind = 'publish' } = (body ?? {}) as { readonly kind?: RpcKind };
    const rpc = this.#rpcs.get(kind);
    if (rpc === undefined) throw new Error(`no function executes RPCs of the kind ${kind}`);
    return rpc(body);
  }

  /** Ends resumable sessions, too, because the other nodes have ended them under their ids. */
  onFenced(): void {
    for (const session of this.sessions.endAll(1012)) {
      try {
        session.close(1012);
      } catch (error) {
        session.fail(error); // the others are closed all the same
      }
    }
  }
}
