import type { Session } from '../sessions/session.js';

/**
 * Asks for a verdict about a session, and has its effect: at once, or in the very step in which a later verdict arrives. A
 * verdict about a token that another one has replaced meanwhile has no effect; the question is asked anew. Drops the
 * verdict where the session has ended by then.
 *
 * @param ask returns the verdict about the token that the session has now
 * @param effect may throw
 * @returns a promise where the verdict is pending; it rejects as the verdict, or as `effect` throws
 */
export function decide(
  session: Session,
  ask: () => boolean | Promise<boolean>,
  effect: (isAllowed: boolean) => void,
): Promise<void> | undefined {
  const { claims } = session;
  const verdict = ask();
  if (typeof verdict !== 'boolean')
    return verdict.then((isAllowed) => {
      if (session.closed) return undefined;
      return session.claims === claims ? effect(isAllowed) : decide(session, ask, effect);
    });
  if (!session.closed) effect(verdict);
  return undefined;
}
