import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import {
  Backplane,
  type ClusterDelegate,
  type DeliveryFailure,
  type SessionDetails,
  type SessionInfo,
} from '../cluster/backplane.js';
import type { Frame } from '../protocol/index.js';
import { sessionDetails } from '../sessions/session-details.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { LocalDelivery } from './local-delivery.js';
import { NoticeLog } from './notice-log.js';
import { SessionDirectory } from './session-directory.js';

/** Applies the events and requests of other nodes to this node, and announces this node's sessions to them. */
@Injectable()
export class LocalNode implements ClusterDelegate, OnApplicationBootstrap, OnApplicationShutdown {
  #rpc: ((body: unknown) => Promise<unknown>) | undefined;

  constructor(
    private readonly backplane: Backplane,
    private readonly sessions: SessionRegistry,
    private readonly localDelivery: LocalDelivery,
    private readonly noticeLog: NoticeLog,
    private readonly sessionDirectory: SessionDirectory,
  ) {
    sessions.addListener('cluster', {
      announced: ({ id, user }) => backplane.arrived({ id, user }),
      closed: ({ id, announced }, code) => {
        if (announced) backplane.departed(id, code);
      },
    });
  }

  /** Joins the cluster before the server listens, because the first session must find the remote ones. */
  onApplicationBootstrap(): Promise<void> {
    return this.backplane.start(this);
  }

  onApplicationShutdown(): Promise<void> {
    return this.backplane.stop();
  }

  *localSessions(): Iterable<SessionInfo> {
    for (const { id, user } of this.sessions.all()) yield { id, user };
  }

  remoteSessions(nodeId: string): Iterable<string> {
    return this.sessionDirectory.remoteSessions(nodeId);
  }

  remoteArrived({ id, user }: SessionInfo): void {
    if (this.sessionDirectory.addRemote(id, user)) this.noticeLog.remoteArrived(id, user);
  }

  remoteDeparted(id: string, code: number): void {
    if (this.sessionDirectory.removeRemote(id)) this.noticeLog.remoteDeparted(id, code);
  }

  deliverLocal(sender: string, receiver: string, frame: Frame): DeliveryFailure | undefined {
    const target = this.sessions.find(receiver);
    return target === undefined ? 'receiver_not_found' : this.localDelivery.deliverCopy(sender, target, frame);
  }

  /** Copies the frame once, because a frame that waits for a slow session would hold the whole NATS chunk. */
  broadcast(frame: Frame): void {
    this.localDelivery.fanOut(Buffer.from(frame) as Frame);
  }

  kick(id: string): boolean {
    const session = this.sessions.find(id);
    session?.close(4000);
    return session !== undefined;
  }

  sessionDetails(ids: readonly string[]): SessionDetails[] {
    return ids.flatMap((id) => {
      const session = this.sessions.find(id);
      return session === undefined ? [] : [{ ...sessionDetails(session) }];
    });
  }

  /** Registers the function that executes the RPCs of other nodes. */
  registerRpc(rpc: (body: unknown) => Promise<unknown>): void {
    this.#rpc = rpc;
  }

  async rpc(body: unknown): Promise<unknown> {
    if (this.#rpc === undefined) throw new Error('no function executes the RPCs of other nodes');
    return this.#rpc(body);
  }

  onFenced(): void {
    this.sessions.closeAll(1012);
  }
}
