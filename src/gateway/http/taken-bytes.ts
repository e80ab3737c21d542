import type { Socket } from 'node:net';

/** The part of a socket's handle that Node reads, too, to see the progress of a long write (`socket.setTimeout`). */
interface Handle {
  readonly bytesWritten?: unknown;
  readonly writeQueueSize?: unknown;
}

/**
 * Returns how many bytes the system has taken of those written to a socket. Node's own counts change only when a whole
 * write is done, which may be megabytes. What the system and the network still hold is unknown.
 */
export function takenBytes(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: Handle | null };
  const { bytesWritten, writeQueueSize } = handle ?? {};
  if (typeof bytesWritten === 'number' && typeof writeQueueSize === 'number') return bytesWritten - writeQueueSize;
  return socket.bytesWritten - socket.writableLength;
}
