import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ByteSink } from '../../sessions/connection.js';
import { takenBytes } from './taken-bytes.js';

/** No descriptor: the stream must see all bytes, as with TLS, or has none, as on Windows. */
const NONE = -1;
/** No descriptor: this version of Node has other internals. */
const UNKNOWN = -2;

/**
 * The sink of a socket. Writes to the descriptor of the socket where nothing waits in its stream, because a write of the
 * stream makes a request object and a tick beside the system call. The stream gets what the system does not take, and
 * finds errors.
 */
export class SocketSink implements ByteSink {
  readonly #descriptor: number;
  /** Bytes that have gone past the stream. */
  #directBytes = 0;

  constructor(readonly socket: Socket) {
    const { _handle: handle } = socket as { _handle?: { readonly fd?: unknown } | null };
    const fd = handle?.fd;
    this.#descriptor = socket instanceof TLSSocket ? NONE : typeof fd === 'number' ? fd : UNKNOWN;
  }

  /** Whether the internals of the socket are those that this class knows. */
  get isKnown(): boolean {
    return this.#descriptor !== UNKNOWN;
  }

  get writable(): boolean {
    return this.socket.writable;
  }

  get writableLength(): number {
    return this.socket.writableLength;
  }

  get writableNeedDrain(): boolean {
    return this.socket.writableNeedDrain;
  }

  get bytesWritten(): number {
    return this.socket.bytesWritten + this.#directBytes;
  }

  get takenBytes(): number {
    return takenBytes(this.socket) + this.#directBytes;
  }

  send(bytes: Uint8Array, length: number): void {
    const taken = this.#isDirect() ? this.#tryWrite(bytes, length) : 0;
    if (taken < length) this.socket.write(bytes.subarray(taken, length));
  }

  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  onceDrained(listener: () => void): void {
    this.socket.once('drain', listener);
  }

  /**
   * Returns whether bytes may go past the stream. Bytes in the stream must stay first. A socket that is not `writable`
   * may be destroyed, and its descriptor be that of another connection. A time-out of the application counts from the last
   * write of the stream.
   */
  #isDirect(): boolean {
    const { socket } = this;
    if (this.#descriptor < 0 || !socket.writable || (socket.timeout ?? 0) > 0) return false;
    return socket.writableLength === 0 && socket.writableCorked === 0;
  }

  #tryWrite(bytes: Uint8Array, length: number): number {
    try {
      const taken = writeSync(this.#descriptor, bytes, 0, length);
      this.#directBytes += taken;
      return taken;
    } catch {
      return 0; // the system takes none now, or the connection is lost
    }
  }
}
