import type { SessionRecord } from './ledger.js';

/** A time during which a node could not publish to the others. */
export interface Outage {
  readonly url: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Messages published so shortly before an outage may still be lost. */
const IN_FLIGHT_MS = 50;
/** A node that returns after its time-out is fenced within this time. */
const FENCED_WITHIN_MS = 3000;

/**
 * Returns whether a session opened and ended while its node could not publish, so that no other node knew the session. A
 * node that is isolated for longer than NODE_TIMEOUT_MS is fenced, and ends its sessions only when it learns that.
 */
export function isWithin({ url, fromMs, toMs }: Outage, { url: node, openedMs, endedMs }: SessionRecord): boolean {
  return (
    url === node && openedMs > fromMs - IN_FLIGHT_MS && (endedMs ?? Number.POSITIVE_INFINITY) < toMs + FENCED_WITHIN_MS
  );
}
