import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { NodeIdentity } from '../../node/node-identity.js';
import type { Session } from '../../sessions/session.js';
import { Log } from '../../telemetry/log.js';
import { RestoredSessions } from './restored-sessions.js';
import { SessionFile } from './session-file.js';
import { parseSession, StateError, type SavedSession } from './state-format.js';
import type { TakenState } from './state-file.js';

/**
 * Takes up the sessions of the process before, where that process has saved them. They are away, under their ids, and so is
 * the id of the node. Runs before the node joins its cluster and listens. Never rejects, because new sessions take the place
 * of those that cannot be taken up.
 */
@Injectable()
export class SessionRestore {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly file: SessionFile,
    private readonly node: NodeIdentity,
    private readonly restored: RestoredSessions,
    private readonly log: Log,
  ) {}

  async run(): Promise<void> {
    // A script that uses the providers alone must not take the sessions of the server.
    if ((this.adapterHost.httpAdapter as unknown) == null) return;
    const state = await this.#take();
    if (state === undefined) return;
    this.node.adopt(state.header.nodeId);
    const sessions = await this.#open(state);
    for (const [session, { parts }] of sessions) this.restored.complete(session, parts);
    this.log.info('sessions restored', {
      sessions: sessions.size,
      lost: state.header.sessions - sessions.size,
      savedMsAgo: Date.now() - state.header.savedAtMs,
    });
  }

  async #take(): Promise<TakenState | undefined> {
    try {
      return await this.file.take();
    } catch (error) {
      this.#refused(error);
      return undefined;
    }
  }

  /** Opens all sessions before any of them is completed, because the parts of one may name another one. */
  async #open(state: TakenState): Promise<ReadonlyMap<Session, SavedSession>> {
    const { header } = state;
    const sessions = new Map<Session, SavedSession>();
    try {
      for await (const line of state.sessionLines()) {
        const saved = parseSession(line, header);
        const session = saved && this.restored.open(saved, Date.now() - header.savedAtMs);
        if (session !== undefined) sessions.set(session, saved!);
      }
    } catch (error) {
      this.#refused(error);
    }
    return sessions;
  }

  #refused(error: unknown): void {
    const reason = error instanceof StateError ? error.message : String(error);
    this.log.warn('saved sessions refused, their clients get new ones', { reason, file: this.file.path });
  }
}
