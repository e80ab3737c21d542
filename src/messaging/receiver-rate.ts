import { MessageError } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';

/** Charges a session for receivers; returns `false`, and charges nothing, where {@link chargeReceivers} throws. */
export function tryChargeReceivers(sender: Session, receivers: number): boolean {
  return waitMs(sender, receivers) === 0;
}

/**
 * Charges a session for receivers of a broadcast, of a message to a user or a room, or of notices.
 *
 * @param ref the `id` of the message
 * @throws {MessageError} `rate_limited` over `BROADCAST_RECEIVERS_PER_SECOND`; nothing is charged then
 */
export function chargeReceivers(sender: Session, receivers: number, ref: string | undefined): void {
  const retryAfterMs = waitMs(sender, receivers);
  if (retryAfterMs > 0) throw MessageError.of('rate_limited', ref, { retryAfterMs });
}

function waitMs({ rateLimiter }: Session, receivers: number): number {
  return rateLimiter?.chargeBroadcast(receivers) ?? 0;
}
