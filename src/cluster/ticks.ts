/**
 * Ticks in one `NODE_TIMEOUT_MS`. Ticks count silence, because a paused process must declare no node dead on resuming.
 */
export const TICKS_PER_TIMEOUT = 20;
/** Ticks from one heartbeat of a node to its next. */
export const TICKS_PER_HEARTBEAT = 4;
/**
 * Ticks of silence after which a member is dead; fewer than those of the timeout, so that its departures fit into it.
 */
export const DEAD_AFTER_TICKS = 18;
/** Pings without an answer of NATS, one a tick, after which the connection is replaced. */
export const MAX_UNANSWERED_PINGS = 12;
