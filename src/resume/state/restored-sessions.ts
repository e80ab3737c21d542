import { Injectable } from '@nestjs/common';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
import { AwaySessions } from '../away-sessions.js';
import { Resumptions } from '../resumptions.js';
import type { SessionResumption } from '../session-resumption.js';
import { restoredIdentity } from './session-snapshot.js';
import type { RestorableSession } from './state-format.js';

/** Opens sessions of a former process. They are away, and their time goes on from the loss of their connections. */
@Injectable()
export class RestoredSessions {
  constructor(
    private readonly registry: SessionRegistry,
    private readonly resumptions: Resumptions,
    private readonly awaySessions: AwaySessions,
  ) {}

  /**
   * Opens a session. Sessions must come in the order in which they were saved, the longest away first.
   *
   * @param ageMs milliseconds since the session was saved
   * @returns `undefined` where another session has its id
   */
  open(saved: RestorableSession, ageMs: number): Session | undefined {
    const resumption = this.#resumption(saved);
    const session = this.registry.restore(saved.id, restoredIdentity(saved.identity), resumption, saved.openedAtMs);
    if (session === undefined) return undefined;
    resumption.bind(session);
    const awayMs = saved.awayMs + Math.max(0, ageMs); // the clock may have been set back
    this.awaySessions.add(session, resumption, saved.code, performance.now() - awayMs);
    return session;
  }

  /** Gives a session its rooms, watches and states. A session whose parts cannot be read ends. */
  complete(session: Session, parts: Readonly<Record<string, unknown>>): void {
    try {
      this.registry.parts.restore(session, parts);
    } catch (error) {
      this.registry.fail(session, error);
    }
  }

  #resumption({ resumption: saved, unseen, unseenFrames }: RestorableSession): SessionResumption {
    const replay = this.resumptions.newReplay(saved.seen);
    if (unseenFrames > 0) replay.push(unseen, unseenFrames);
    const resumption = this.resumptions.create(replay, saved.received);
    resumption.secret = saved.secret;
    resumption.previousSecret = saved.previousSecret;
    resumption.reports = saved.reports;
    resumption.isRestored = true;
    return resumption;
  }
}
