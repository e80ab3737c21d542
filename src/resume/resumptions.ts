import { Injectable } from '@nestjs/common';
import type { NoReturnReason, Welcome } from '../protocol/index.js';
import type { Identity } from '../sessions/identity.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { EndedSessions } from './ended-sessions.js';
import { ReplayBudget } from './replay-budget.js';
import { ReplayBuffer } from './replay-buffer.js';
import { readResumeToken, resumeToken } from './resume-token.js';
import { SeenReports } from './seen-reports.js';
import { resumptionOf, SessionResumption } from './session-resumption.js';

/** Offer of a client that wants its session to outlive a connection: a token and a count, or a new session. */
export type ResumeOffer = 'new' | { readonly token: string; readonly frames: number };

/** The session with which a client comes back. */
export interface Return {
  readonly session: Session;
  readonly resumption: SessionResumption;
  /** The accepted secret. */
  readonly secret: string;
  /** Text frames that the client has received. */
  readonly frames: number;
}

/** The result of an offer: a return, or a new session; `reason` where the client wanted another one. */
export type ResumeDecision = Return | { readonly reason: NoReturnReason | undefined };

/** Decides which clients come back to their sessions, and makes sessions resumable. */
@Injectable()
export class Resumptions {
  /** How many clients with the token of a session got a new one, by reason. Read by metrics. */
  readonly noReturns = new Map<NoReturnReason, number>();
  readonly #windowMs: number;
  readonly #bytes: number;

  constructor(
    private readonly sessions: SessionRegistry,
    private readonly ended: EndedSessions,
    private readonly budget: ReplayBudget,
    private readonly reports: SeenReports,
    { resumeWindowMs, resumeBytes }: Settings,
  ) {
    this.#windowMs = resumeWindowMs;
    this.#bytes = resumeBytes;
  }

  /** Whether sessions may outlive their connections. */
  get isOn(): boolean {
    return this.#windowMs > 0;
  }

  /**
   * Decides about an offer; changes nothing. A client comes back where the secret of its token is good, its user is that of
   * the session, and its count is possible.
   */
  decide(offer: ResumeOffer, user: string | undefined): ResumeDecision {
    if (offer === 'new') return { reason: undefined };
    const token = readResumeToken(offer.token);
    if (token === undefined) return { reason: 'unknown' };
    const { sessionId, secret } = token;
    const session = this.sessions.find(sessionId);
    if (session === undefined) return { reason: this.ended.reason(sessionId, secret) ?? 'unknown' };
    const resumption = resumptionOf(session);
    if (resumption === undefined || !resumption.accepts(secret) || session.user !== user) return { reason: 'unknown' };
    const { frames } = offer;
    const isPossible = frames >= resumption.replay.seen && frames <= resumption.replay.sent;
    return isPossible ? { session, resumption, secret, frames } : { reason: 'unknown' };
  }

  /** Makes the state of a new resumable session. @param received text frames that a former process received */
  create(replay = this.newReplay(), received = 0): SessionResumption {
    return new SessionResumption(replay, this.reports, received);
  }

  /** Makes a replay buffer. @param seen text frames that the client has seen */
  newReplay(seen = 0): ReplayBuffer {
    return new ReplayBuffer(this.#bytes, this.budget, seen);
  }

  /** Makes a session resumable that has no connection yet. */
  begin(session: Session): SessionResumption {
    const resumption = this.create();
    session.makeResumable(resumption);
    resumption.bind(session);
    return resumption;
  }

  /**
   * Prepares a session whose client comes back, and is away: forgets what the client has seen, and rotates the secret.
   *
   * @param identity the client as the new handshake has proven it
   */
  prepare({ session, resumption, secret, frames }: Return, identity: Identity): void {
    void resumption.replay.forget(frames, false); // the connection before may hold bytes until it is gone
    resumption.rotate(secret);
    resumption.awayMs = Math.round(performance.now() - resumption.awaySinceMs);
    session.identity = identity;
  }

  /** Returns the fields of the welcome of a resumable session. @param reason why the client did not come back */
  welcome(session: Session, resumption: SessionResumption, reason: NoReturnReason | undefined): Partial<Welcome> {
    const resume = {
      token: resumeToken(session.id, resumption.secret),
      windowMs: this.#windowMs,
      bytes: this.#bytes,
    };
    if (reason === undefined) return { resume };
    this.noReturns.set(reason, (this.noReturns.get(reason) ?? 0) + 1);
    return { resume, resumed: false, reason };
  }

  /** Returns the fields of the welcome of a client that has come back. */
  welcomeBack(session: Session, resumption: SessionResumption): Partial<Welcome> {
    const { awayMs } = resumption;
    resumption.noteReported();
    return {
      ...this.welcome(session, resumption, undefined),
      resumed: true,
      received: resumption.receivedFrames,
      awayMs,
    };
  }
}
