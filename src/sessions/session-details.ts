import type { Session } from './session.js';

/** Bytes on the wire, TLS aside. */
export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What an operator may know of a session. */
export interface SessionDetails extends Traffic {
  readonly id: string;
  readonly since: string;
  readonly address?: string;
  readonly user?: string;
  /** What waits because this session reads too slowly. */
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
    bytesWaiting: session.outbox.bufferedBytes,
  };
}

export function trafficOf({ outbox: { socket } }: Session): Traffic {
  return { bytesIn: socket.bytesRead, bytesOut: socket.bytesWritten };
}
