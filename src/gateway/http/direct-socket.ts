import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ByteSink } from '../../sessions/connection.js';

/** A socket that counts the bytes written past its stream. */
export type DirectSocket = Socket & ByteSink;

/** Prepares a socket for writes past its stream. The descriptor is valid while the socket is `writable`. */
export function directSocket(socket: Socket): DirectSocket {
  const { _handle: handle } = socket as { _handle?: { readonly fd?: unknown } | null };
  const isDirect = !(socket instanceof TLSSocket) && typeof handle?.fd === 'number';
  return Object.assign(socket, { descriptor: isDirect ? handle.fd : -1, directBytes: 0 });
}
