import { writeSync } from 'node:fs';
import type { ServerCloseCode } from '../protocol/index.js';

/** The writable side of a connection: the part of `net.Socket` that an outbox uses. */
export interface ByteSink {
  readonly writable: boolean;
  /** Bytes accepted by `write` that the kernel has not taken yet. */
  readonly writableLength: number;
  /** True from the moment the sink is full until it emits `drain`. */
  readonly writableNeedDrain: boolean;
  /** How many calls of `cork` have no `uncork` yet. */
  readonly writableCorked: number;
  /** File descriptor for {@link writeTo}; -1 where the sink must see all bytes, as with TLS. */
  readonly descriptor: number;
  /** Bytes that have gone past the sink. Written by {@link writeTo}. */
  directBytes: number;
  /** Takes the bytes. `writableNeedDrain` shows afterwards whether the sink is full. */
  write(bytes: Uint8Array): unknown;
  cork(): void;
  uncork(): void;
  once(event: 'drain', listener: () => void): unknown;
}

/**
 * Writes the first `length` bytes. They go to the system past the sink where nothing waits in it, because the streams of
 * Node cost a third of the system call. The sink gets what the system does not take, and finds errors.
 */
export function writeTo(sink: ByteSink, bytes: Uint8Array, length: number): void {
  const taken =
    sink.descriptor < 0 || sink.writableLength > 0 || sink.writableCorked > 0 ? 0 : tryWrite(sink, bytes, length);
  if (taken < length) sink.write(bytes.subarray(taken, length));
}

function tryWrite(sink: ByteSink, bytes: Uint8Array, length: number): number {
  try {
    const taken = writeSync(sink.descriptor, bytes, 0, length);
    sink.directBytes += taken;
    return taken;
  } catch {
    return 0; // the system takes none now, or the connection is lost
  }
}

/**
 * The transport of a session: carries its frames, and may be replaced while the session keeps its id.
 * `GatewaySocket` is the implementation for WebSockets.
 */
export interface Connection {
  readonly sink: ByteSink;
  /** Bytes read from the network, without TLS records. */
  readonly bytesRead: number;
  /** Bytes passed to the sink or past it, without TLS records. */
  readonly bytesWritten: number;
  /** Bytes that the system has taken to send. Grows while the client reads; costs more than the other counts. */
  readonly takenBytes: number;
  /** Bytes of those taken that the client has read for certain. */
  readonly confirmedBytes: number;
  readonly isPaused: boolean;
  /** Stops reading from the network. */
  stopReading(): void;
  startReading(): void;
  /** Starts the closing handshake; the close frame follows all frames of the outbox. */
  close(code: ServerCloseCode): void;
  /** Destroys the connection without a close frame. */
  terminate(): void;
  /** Calls the listener with the close code when both directions have ended, at once where they have already. */
  onceClosed(listener: (code: number) => void): void;
  /** Records a `sys.error` that was sent; returns whether the client has exceeded its errors per minute. */
  countError(code: string): boolean;
  /** Charges an answer that may be much longer than its request to the byte rate of the client. */
  chargeAnswer(bytes: number): void;
  /**
   * Charges a broadcast to the receiver rate of the client. Returns 0, or the milliseconds to wait where the client is
   * over the rate and nothing was charged.
   */
  chargeBroadcast(receivers: number): number;
}
