import { Injectable } from '@nestjs/common';
import { Backplane } from '../../cluster/backplane.js';
import { NodeIdentity } from '../../node/node-identity.js';
import { nodeIdOf } from '../../protocol/index.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import { restoreStates, savedStates } from '../../sessions/session-state.js';
import type { Session } from '../../sessions/session.js';
import { Log } from '../../telemetry/log.js';
import { AwaySessions } from '../away-sessions.js';
import { SessionFile } from './session-file.js';
import { DetailsError, detailsOf, snapshotOf } from './session-snapshot.js';
import { estimatedBytes, type SessionSnapshot } from './state-format.js';

/** Close code of sessions that cannot be handed on, as of those that cannot come back. */
const NOT_HANDED_ON = 1012;

/**
 * Hands the resumable sessions of a node that drains to the process that follows, by a file in `RESUME_STATE_DIR`. A node of
 * a cluster hands none on: its sessions end. This class would later move them to other nodes.
 */
@Injectable()
export class SessionHandover {
  constructor(
    private readonly registry: SessionRegistry,
    private readonly awaySessions: AwaySessions,
    private readonly file: SessionFile,
    private readonly node: NodeIdentity,
    private readonly backplane: Backplane,
    private readonly log: Log,
  ) {
    registry.parts.add('states', {
      save: (session) => savedStates(session, (state, reason) => this.#stateLost(session, state, reason)),
      restore: (session, data) => restoreStates(session, data as Readonly<Record<string, unknown>>),
    });
  }

  /** Whether a drain that begins now hands sessions on: the folder is set, and no other node is alive. */
  get isOn(): boolean {
    return this.file.isOn && this.backplane.peerCount === 0;
  }

  /** Returns whether a session can be handed on. Not one of a former id of this node, which the next process does not have. */
  takes({ id, resumption }: Session): boolean {
    return resumption !== null && nodeIdOf(id) === this.node.id;
  }

  /**
   * Writes the sessions that are away to the file, and removes them from this process. Sessions that cannot be saved end as
   * others do.
   *
   * @param deadlineMs when to give up, on the clock of `performance.now()`
   */
  async save(deadlineMs: number): Promise<void> {
    const startMs = performance.now();
    const [sessions, snapshots] = this.#snapshots();
    if (sessions.length === 0) return;
    this.registry.handOver(sessions);
    try {
      const bytes = await this.file.write(this.node.id, snapshots, deadlineMs);
      this.log.info('sessions saved', {
        sessions: sessions.length,
        bytes,
        tookMs: Math.round(performance.now() - startMs),
      });
    } catch (error) {
      this.registry.handOverFailed(sessions, NOT_HANDED_ON);
      this.log.warn('sessions not saved, they end: correct the reason, or raise DRAIN_TIMEOUT_MS', {
        reason: (error as Error).message,
        sessions: sessions.length,
        file: this.file.path,
      });
    }
  }

  /** Takes the snapshots of all sessions that are away in one turn, the longest away first. */
  #snapshots(): readonly [readonly Session[], readonly SessionSnapshot[]] {
    for (const session of this.awaySessions.all()) session.work?.abandon();
    const details = this.#details();
    this.registry.parts.flush(); // last, because the sessions that have just ended caused notices
    const snapshots: SessionSnapshot[] = [];
    const sessions: Session[] = [];
    for (const [session, text] of details) {
      if (session.closed) continue;
      sessions.push(session);
      snapshots.push(snapshotOf(session, text));
    }
    return [sessions, snapshots];
  }

  /** Returns the details of the sessions that can be saved as JSON, and ends the others. */
  #details(): ReadonlyMap<Session, string> {
    const details = new Map<Session, string>();
    let bytes = 0;
    for (const session of this.awaySessions.all()) {
      if (session.closed || !this.takes(session)) continue;
      try {
        const text = detailsOf(session, this.registry.parts);
        const withSession = bytes + estimatedBytes(text, session.resumption!.replay.bytes);
        const { maxWrittenBytes } = this.file;
        if (withSession > maxWrittenBytes)
          throw new DetailsError(`the file would have ${withSession} bytes, at most ${maxWrittenBytes} are written`);
        bytes = withSession;
        details.set(session, text);
      } catch (error) {
        this.#lost(session, error);
      }
    }
    return details;
  }

  #lost(session: Session, error: unknown): void {
    if (!(error instanceof DetailsError)) return this.registry.fail(session, error);
    this.log.warn('session not saved, it ends: keep less for each session', {
      reason: error.message,
      session: session.id,
    });
    this.registry.end(session, NOT_HANDED_ON);
  }

  #stateLost({ id }: Session, state: string, reason: string): void {
    this.log.warn('state of a session not saved, it begins anew: keep plain JSON in it', {
      reason,
      state,
      session: id,
    });
  }
}
