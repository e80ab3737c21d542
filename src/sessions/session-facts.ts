import type { Session } from './session.js';

/** What an operator may know of a session. */
export interface SessionFacts {
  readonly id: string;
  readonly since: string;
  readonly address?: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export function sessionFacts({ id, openedAtMs, outbox: { socket } }: Session): SessionFacts {
  const { remoteAddress: address, bytesRead, bytesWritten } = socket;
  return {
    id,
    since: new Date(openedAtMs).toISOString(),
    ...(address !== undefined && { address }),
    bytesIn: bytesRead,
    bytesOut: bytesWritten,
  };
}
