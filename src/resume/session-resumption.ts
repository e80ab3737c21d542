import { randomBytes, timingSafeEqual } from 'node:crypto';
import { SEEN_BYTES, SEEN_FRAMES, seenFrame, type Frame } from '../protocol/index.js';
import type { Resumption } from '../sessions/resumption.js';
import type { Session } from '../sessions/session.js';
import type { ReplayBuffer } from './replay-buffer.js';

/** 128 random bits. */
const SECRET_BYTES = 16;
const POOLED_SECRETS = 256;
/** Characters of a secret in base64url. */
export const SECRET_CHARACTERS = 22;

/** Received frames and bytes after which a report leaves with other frames to the client, and takes no write of its own. */
const EARLY_FRAMES = SEEN_FRAMES * 0.75;
const EARLY_BYTES = SEEN_BYTES * 0.75;

/** Why a session ended that might have been resumed. */
export type EndReason = 'expired' | 'ended' | 'overflow';

/** The secrets of a session, each of {@link SECRET_CHARACTERS} characters. A text takes a fifth of the memory of a buffer. */
export interface Secrets {
  readonly secret: string;
  /** The secret before, where it is still good. */
  readonly previousSecret: string | undefined;
}

/** Returns whether a secret is one of two. Takes the same time for any secret, so that none can be guessed byte by byte. */
export function isAccepted(offered: string, { secret, previousSecret = secret }: Secrets): boolean {
  const isCurrent = timingSafeEqual(Buffer.from(offered), Buffer.from(secret));
  const isPrevious = timingSafeEqual(Buffer.from(offered), Buffer.from(previousSecret));
  return isCurrent || isPrevious;
}

/** Random bytes of the next secrets. A buffer for each secret would leave gaps in the memory of the process. */
let randomPool = Buffer.alloc(0);
let usedBytes = 0;

function newSecret(): string {
  if (usedBytes === randomPool.length) {
    randomPool = randomBytes(SECRET_BYTES * POOLED_SECRETS);
    usedBytes = 0;
  }
  return randomPool.toString('base64url', usedBytes, (usedBytes += SECRET_BYTES));
}

/** Reads the state by which the client of a session may come back; `undefined` where the client has not asked for it. */
export function resumptionOf({ resumption }: Pick<Session, 'resumption'>): SessionResumption | undefined {
  return resumption instanceof SessionResumption ? resumption : undefined;
}

/** Reports received frames within `SEEN_MS`. */
interface ReportQueue {
  add(resumption: SessionResumption): void;
}

/** State of one session that may come back: its secrets, both counts, and what its client has not seen. */
export class SessionResumption implements Resumption, Secrets {
  /** Proves that a client owns the session. Written by {@link rotate}. */
  secret = newSecret();
  /** The secret before, which is good until the first frame on the new connection. Written by {@link rotate}. */
  previousSecret: string | undefined;
  /** Text frames of the client that had their effect. Written by {@link received}. */
  receivedFrames: number;
  /** Reports of the client so far. Written by `SeenReports`. */
  reports = 0;
  /** When the connection was lost, on the clock of `performance.now()`. Written by `AwaySessions`. */
  awaySinceMs = 0;
  /** Milliseconds for which the session was away before its last return. Written by `Resumptions`. */
  awayMs = 0;
  /** Close code of the lost connection. Written by `AwaySessions`. */
  lossCode = 0;
  /** Written by `AwaySessions` before it ends the session. */
  endReason: EndReason = 'ended';
  /** Whether a former process handed the session on, and its client has not come back before. Set by `RestoredSessions`, reset by `AwaySessions`. */
  isRestored = false;
  /** Whether a report is queued. Written by {@link received} and {@link report}. */
  #isQueued = false;
  #reportedFrames: number;
  #unreportedBytes = 0;
  #session: Session | undefined;

  /** @param receivedFrames text frames that a former process received */
  constructor(
    readonly replay: ReplayBuffer,
    private readonly reportQueue: ReportQueue,
    receivedFrames = 0,
  ) {
    this.receivedFrames = this.#reportedFrames = receivedFrames;
  }

  /** Binds this object to its session. Call it once, before a frame is received. */
  bind(session: Session): void {
    this.#session = session;
  }

  received(bytes: number): void {
    this.receivedFrames++;
    this.previousSecret = undefined;
    this.#unreportedBytes += bytes;
    if (this.receivedFrames - this.#reportedFrames >= SEEN_FRAMES || this.#unreportedBytes >= SEEN_BYTES) this.report();
    else if (!this.#isQueued) {
      this.#isQueued = true;
      this.reportQueue.add(this);
    }
  }

  takeReport(): Frame | null {
    const isWorthIt =
      this.receivedFrames - this.#reportedFrames >= EARLY_FRAMES || this.#unreportedBytes >= EARLY_BYTES;
    return isWorthIt ? this.#newReport(this.#session!) : null;
  }

  /** Sends the client the number of received frames, where it has changed and the client is connected. */
  report(): void {
    this.#isQueued = false;
    const session = this.#session;
    if (session?.state !== 'open' || this.receivedFrames === this.#reportedFrames) return;
    session.send(this.#newReport(session), 0);
  }

  /** Records that the client knows the number of received frames: by a report, or by a welcome. */
  noteReported(): void {
    this.#reportedFrames = this.receivedFrames;
    this.#unreportedBytes = 0;
  }

  /** Returns whether a secret is that of this session, or the one before. */
  accepts(offered: string): boolean {
    return isAccepted(offered, this);
  }

  /** Makes a new secret. @param offered the accepted secret of the client, which stays good for now */
  rotate(offered: string): void {
    if (offered === this.secret) this.previousSecret = this.secret; // not `offered`, which may be a part of a long header
    this.secret = newSecret();
  }

  #newReport(session: Session): Frame {
    this.noteReported();
    return seenFrame(session.id, this.receivedFrames);
  }
}
