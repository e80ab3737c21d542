import type { Duplex } from 'node:stream';

/** Milliseconds in which a socket must take its last bytes; then the socket is destroyed. */
const END_TIMEOUT_MS = 2000;

/**
 * Writes the last bytes of a socket and destroys the socket once they are written, or after {@link END_TIMEOUT_MS}. The
 * peer may not read them, and TLS may not be able to send them yet: `end` alone would then wait without limit.
 */
export function endWith(socket: Duplex, bytes: string): void {
  socket.on('error', () => socket.destroy()); // first, because an error of an earlier write may be pending
  if (!socket.writable) return void socket.destroy();
  const timer = setTimeout(() => socket.destroy(), END_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
  // Bytes that arrived meanwhile are read first, because the system resets a connection that closes with unread bytes.
  socket.once('finish', () => setImmediate(() => socket.destroy()));
  socket.resume();
  socket.end(bytes);
}

/**
 * Ends a socket behind the bytes that wait in it, and drops what the peer still sends, for at most {@link END_TIMEOUT_MS}. A
 * proxy or client that reads no answer before it has sent its body would otherwise see a reset instead of the answer.
 */
export function endUnread(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), END_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.end();
}
