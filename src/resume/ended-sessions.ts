import { Injectable } from '@nestjs/common';
import type { SessionListener } from '../sessions/session-listener.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { isAccepted, resumptionOf, type EndReason, type Secrets } from './session-resumption.js';

/** Sessions that are remembered; the oldest is forgotten first. */
const MAX_ENDED = 10_000;

interface EndedSession extends Secrets {
  readonly reason: EndReason;
}

/** Remembers resumable sessions that have ended, so that a client which comes back too late gets the reason. */
@Injectable()
export class EndedSessions implements SessionListener {
  readonly #ended = new Map<string, EndedSession>();

  constructor(registry: SessionRegistry) {
    registry.addListener('away', this);
  }

  closed(session: Session): void {
    const resumption = resumptionOf(session);
    if (resumption === undefined) return;
    if (this.#ended.size >= MAX_ENDED) for (const oldest of this.#ended.keys()) if (this.#ended.delete(oldest)) break;
    const { secret, previousSecret, endReason } = resumption;
    this.#ended.set(session.id, { secret, previousSecret, reason: endReason });
  }

  /** Returns why a session ended; `undefined` for an unknown session and for a wrong secret. */
  reason(sessionId: string, secret: string): EndReason | undefined {
    const ended = this.#ended.get(sessionId);
    return ended !== undefined && isAccepted(secret, ended) ? ended.reason : undefined;
  }
}
