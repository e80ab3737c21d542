import type { ServerCloseCode } from '../protocol/index.js';

/** Takes the bytes of an outbox and passes them to the system. */
export interface ByteSink {
  readonly writable: boolean;
  /** Bytes accepted by `send` that the system has not taken yet. */
  readonly writableLength: number;
  /** True from the moment the sink is full until it has drained. */
  readonly writableNeedDrain: boolean;
  /** Takes the first `length` bytes. `writableNeedDrain` shows afterwards whether the sink is full. */
  send(bytes: Uint8Array, length: number): void;
  /** Holds bytes back until `uncork`, so that they leave with one system call. */
  cork(): void;
  uncork(): void;
  /** Calls the listener once, when a full sink has drained. */
  onceDrained(listener: () => void): void;
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
  /** Whether another node pipes the connection, so that the connection counts to its address on that node. */
  readonly isPiped: boolean;
  /** Stops reading from the network. */
  stopReading(): void;
  startReading(): void;
  /** Starts the closing handshake; the close frame follows all frames of the outbox. */
  close(code: ServerCloseCode): void;
  /** Destroys the connection without a close frame. */
  terminate(): void;
  /** Calls the listener with the close code when both directions have ended, at once where they have already. */
  onceClosed(listener: (code: number) => void): void;
  /** Counts a `sys.error` that was sent, for the share of this turn. */
  countError(): void;
}
