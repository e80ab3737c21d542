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
  /** When the session opened, ISO 8601. */
  readonly since: string;
  readonly address?: string;
  readonly user?: string;
  /** Bytes not yet taken by the client, and of messages that wait for its handlers. */
  readonly bytesWaiting: number;
}

export function sessionDetails(session: Session): SessionDetails {
  const { id, address, user, openedAtMs } = session;
  return {
    id,
    since: new Date(openedAtMs).toISOString(),
    ...(address !== '' && { address }),
    ...(user !== undefined && { user }),
    ...trafficOf(session),
    bytesWaiting: session.outbox.bufferedBytes + session.heldBytes,
  };
}

/** Returns the bytes of the attached connection. */
export function trafficOf({ connection }: Session): Traffic {
  if (connection === undefined) return NO_TRAFFIC;
  return { bytesIn: connection.bytesRead, bytesOut: connection.bytesWritten };
}
