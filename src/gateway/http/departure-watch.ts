import type { Duplex } from 'node:stream';

/**
 * Calls back once the client of a socket that nothing reads has left: by a cut, or by ending its half. Reads no byte of
 * the client. An end behind bytes of the client is found only when those bytes are read.
 *
 * @returns ends the watch; resolves when the socket can be read as before
 */
export function watchDeparture(socket: Duplex, onDeparture: () => void): () => Promise<void> {
  // Reading the end, and nothing else, makes the socket emit `end`.
  const onReadable = (): void => void (socket.readableLength === 0 && socket.read());
  socket.on('readable', onReadable);
  for (const event of ['end', 'close']) socket.on(event, onDeparture);
  return async () => {
    socket.off('readable', onReadable);
    for (const event of ['end', 'close']) socket.off(event, onDeparture);
    // Node leaves the reading mode of `readable` in the next tick.
    await new Promise<void>((resolve) => process.nextTick(resolve));
  };
}
