import type { Identity } from '../../sessions/identity.js';
import { jsonProblem } from '../../sessions/json-value.js';
import type { SessionParts } from '../../sessions/session-parts.js';
import type { Session } from '../../sessions/session.js';
import { resumptionOf, type SessionResumption } from '../session-resumption.js';
import type { SavedSession, SessionSnapshot } from './state-format.js';

/** Characters of the details of one session: its claims, rooms, watches and states. */
const MAX_DETAILS_CHARACTERS = 1_048_576;

/** Reports a session that cannot be saved. The message is the reason, in words for the log. */
export class DetailsError extends Error {}

/**
 * Returns the details of a session that is away, as JSON.
 *
 * @throws {DetailsError} where they are too long, or JSON cannot hold them
 */
export function detailsOf(session: Session, sessionParts: SessionParts): string {
  const { id, openedAtMs, identity } = session;
  const { awaySinceMs, lossCode, secret, previousSecret, receivedFrames, reports, replay } = savedResumption(session);
  // Claims of a `ConnectGuard` may be any objects.
  const problem = jsonProblem(identity, MAX_DETAILS_CHARACTERS);
  if (problem !== undefined) throw new DetailsError(`its identity has ${problem}`);
  const saved: SavedSession = {
    id,
    openedAtMs,
    identity,
    awayMs: Math.round(performance.now() - awaySinceMs),
    code: lossCode,
    resumption: {
      secret,
      ...(previousSecret !== undefined && { previousSecret }),
      received: receivedFrames,
      seen: replay.seen,
      reports,
    },
    parts: sessionParts.save(session),
  };
  const details = JSON.stringify(saved);
  if (details.length > MAX_DETAILS_CHARACTERS)
    throw new DetailsError(
      `its details have ${details.length} characters, at most ${MAX_DETAILS_CHARACTERS} are saved`,
    );
  return details;
}

/** Returns the snapshot of a session. Nothing may be sent to the session afterwards. @param details see {@link detailsOf} */
export function snapshotOf(session: Session, details: string): SessionSnapshot {
  session.outbox.keepWaiting();
  const { runs, frames } = savedResumption(session).replay.unseenRuns();
  return { details, unseen: runs, unseenFrames: frames };
}

/** Returns the identity of a saved session, with the fields that JSON leaves out. */
export function restoredIdentity({ address, user, byGuard, subject, claims, expiresAt }: Identity): Identity {
  return { address, user, ...(byGuard !== undefined && { byGuard }), subject, claims, expiresAt };
}

function savedResumption(session: Session): SessionResumption {
  const resumption = resumptionOf(session);
  if (resumption === undefined) throw new DetailsError('it cannot come back');
  return resumption;
}
