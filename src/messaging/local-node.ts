import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import {
  Backplane,
  type ClusterDelegate,
  type SessionInfo,
  type DeliveryFailure,
  type SessionDetails,
} from '../cluster/backplane.js';
import type { Frame } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { sessionDetails } from '../sessions/session-details.js';
import { SessionDirectory } from './session-directory.js';
import { MessageRouter } from './message-router.js';
import { NoticeLog } from './notice-log.js';

/** What becomes on this node of what happens on others, and the other way round. */
@Injectable()
export class LocalNode implements ClusterDelegate, OnApplicationBootstrap, OnApplicationShutdown {
  #worker: ((work: unknown) => Promise<unknown>) | undefined;

  constructor(
    private readonly backplane: Backplane,
    private readonly sessions: SessionRegistry,
    private readonly router: MessageRouter,
    private readonly noticeLog: NoticeLog,
    private readonly sessionDirectory: SessionDirectory,
  ) {
    sessions.addListener('cluster', {
      opened: ({ id, user }) => backplane.arrived({ id, user }),
      closed: ({ id }, code) => backplane.departed(id, code),
    });
  }

  /** Before anything listens: the first session must find out who is where. */
  onApplicationBootstrap(): Promise<void> {
    return this.backplane.start(this);
  }

  onApplicationShutdown(): Promise<void> {
    return this.backplane.stop();
  }

  *localSessions(): Iterable<SessionInfo> {
    for (const { id, user } of this.sessions.all()) yield { id, user };
  }

  deliverLocal(sender: string, receiver: string, frame: Frame): DeliveryFailure | undefined {
    return this.router.deliverFrom(sender, receiver, frame);
  }

  /** The bytes lie in a chunk of the backplane's; what waits for a slow session must not hold that. */
  broadcast(_sender: string, frame: Frame): void {
    this.router.fanOut(Buffer.from(frame) as Frame);
  }

  remoteArrived({ id, user }: SessionInfo): void {
    this.sessionDirectory.remoteArrived(id, user);
    this.noticeLog.remoteArrived(id, user);
  }

  remoteDeparted(id: string, code: number): void {
    this.sessionDirectory.remoteDeparted(id);
    this.noticeLog.remoteDeparted(id, code);
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

  /** Sets what does the work that other nodes ask for. */
  registerRpc(worker: (work: unknown) => Promise<unknown>): void {
    this.#worker = worker;
  }

  async rpc(work: unknown): Promise<unknown> {
    return this.#worker?.(work);
  }

  onFenced(): void {
    for (const session of this.sessions.endAll(1012)) session.close(1012);
  }
}
