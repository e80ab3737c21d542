import type { Connection } from './connection.js';
import type { Session } from './session.js';

/** Bytes of a connection, without TLS records. */
export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

const NO_TRAFFIC: Traffic = { bytesIn: 0, bytesOut: 0 };

/** Facts of a session for operators. */
export interface SessionDetails extends Traffic {
  readonly id: string;
  /** `away` where the connection was lost and the client may return. */
  readonly state: 'open' | 'away';
  /** When the connection was lost, ISO 8601; only where the session is away. */
  readonly awaySince?: string;
  /** When the session opened, ISO 8601. */
  readonly since: string;
  readonly address?: string;
  readonly user?: string;
  /** Bytes not yet taken by the client, and of messages that wait for its handlers. */
  readonly bytesWaiting: number;
  /** Bytes that were sent and that the client has not reported as seen; only where the session resumes. */
  readonly bytesUnseen?: number;
}

export function sessionDetails(session: Session): SessionDetails {
  const { id, address, user, openedAtMs, resumption } = session;
  const isAway = session.state === 'away';
  return {
    id,
    state: isAway ? 'away' : 'open',
    ...(isAway && resumption !== null && { awaySince: wallClock(resumption.awaySinceMs) }),
    since: new Date(openedAtMs).toISOString(),
    ...(address !== '' && { address }),
    ...(user !== undefined && { user }),
    ...trafficOf(session.connection),
    bytesWaiting: session.outbox.bufferedBytes + session.heldBytes,
    ...(resumption !== null && { bytesUnseen: resumption.replay.bytes }),
  };
}

/** Writes a time of the clock of `performance.now()` as ISO 8601. */
function wallClock(atMs: number): string {
  return new Date(Date.now() - (performance.now() - atMs)).toISOString();
}

/** Returns the bytes of a connection; none where there is no connection. */
export function trafficOf(connection: Connection | undefined): Traffic {
  if (connection === undefined) return NO_TRAFFIC;
  return { bytesIn: connection.bytesRead, bytesOut: connection.bytesWritten };
}
