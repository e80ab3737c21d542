import { Injectable } from '@nestjs/common';
import { NoticeLog } from '../../messaging/notice-log.js';
import { NodeState } from '../../node/node-state.js';
import { reconnectFrame } from '../../protocol/index.js';
import { SessionHandover } from '../../resume/state/session-handover.js';
import type { Connection } from '../../sessions/connection.js';
import type { SessionListener } from '../../sessions/session-listener.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { Settings } from '../../settings/settings.js';

/** Parts with the sessions of a node that drains: ends them, or hands them to the process that follows. */
@Injectable()
export class DrainedSessions implements SessionListener {
  readonly #spreadMs: number;
  #isHandedOn = false;

  constructor(
    { drainSpreadMs }: Settings,
    private readonly nodeState: NodeState,
    private readonly sessions: SessionRegistry,
    private readonly noticeLog: NoticeLog,
    private readonly handover: SessionHandover,
  ) {
    this.#spreadMs = drainSpreadMs;
    // A handshake that waited for its token when the drain began may still open a session.
    sessions.addListener('drain', this);
  }

  /** Number of open sessions. */
  get size(): number {
    return this.sessions.size;
  }

  opened(session: Session): void {
    if (this.nodeState.phase === 'draining') session.close(1012);
  }

  back(session: Session): void {
    this.opened(session);
  }

  /** Begins the drain of the node. @returns whether its last step is {@link save} */
  begin(): boolean {
    this.#isHandedOn = this.handover.isOn; // now, because the other nodes of a cluster may leave meanwhile
    this.nodeState.drain();
    return this.#isHandedOn;
  }

  /** Requests clients to reconnect, at times spread over `DRAIN_SPREAD_MS`, so that they do not all do so at once. */
  sendReconnects(): void {
    const stepMs = this.#spreadMs / Math.max(1, this.sessions.size);
    let index = 0;
    for (const session of this.sessions.all()) {
      if (session.state === 'away') continue;
      const afterMs = stepMs * ++index;
      // Whole milliseconds, unless there are more sessions than milliseconds.
      this.noticeLog.send(session, reconnectFrame(session.id, stepMs < 1 ? afterMs : Math.floor(afterMs)));
    }
  }

  stopReading(): void {
    for (const session of this.sessions.all()) session.pauseReading('drain');
  }

  /**
   * Ends the sessions that are not handed on, all in one turn. The caller closes the connections of all sessions.
   *
   * @returns the number of all sessions, and their connections
   */
  end(): { readonly sessions: number; readonly connections: readonly Connection[] } {
    const sessions = [...this.sessions.all()];
    const leaving = this.#isHandedOn ? sessions.filter((session) => !this.handover.takes(session)) : sessions;
    const connections = sessions.flatMap(({ connection }) => connection ?? []);
    for (const session of sessions) if (session.state === 'open') session.outbox.flushAll(); // with `sys.reconnect`
    void this.sessions.endAll(1012, leaving); // all connections are closed, whatever session has ended
    return { sessions: sessions.length, connections };
  }

  /** Saves the sessions that are handed on, all away now. @param deadlineMs when to give up, by `performance.now()` */
  async save(deadlineMs: number): Promise<void> {
    if (this.#isHandedOn) await this.handover.save(deadlineMs);
  }
}
