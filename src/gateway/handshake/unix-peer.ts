import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** The address of a connection by the Unix socket whose proxy reports no client address; nginx logs the same text. */
export const UNIX_ADDRESS = 'unix:';

const UNIX = Symbol('accepted by the Unix socket');
type MarkedSocket = Socket & { [UNIX]?: true };

/** Marks a connection that the Unix socket has accepted. Its missing address is no sign, because a closed TCP socket has none. */
export function markUnixPeer(socket: Socket): void {
  (socket as MarkedSocket)[UNIX] = true;
}

/** Returns whether a connection came by the Unix socket of `LISTEN`, which is that of the proxy: the folder keeps others out. */
export function isUnixPeer({ socket }: Pick<IncomingMessage, 'socket'>): boolean {
  return (socket as MarkedSocket)[UNIX] === true;
}
