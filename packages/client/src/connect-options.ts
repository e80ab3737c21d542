import type { SocketClass } from './socket.js';
import type { TokenSource } from './token-refresher.js';

export interface ConnectOptions {
  /** The WebSocket class to use; required where the environment has no global one, as in Node 20. */
  readonly WebSocket?: SocketClass;
  /** Called for a token before each connection; one that takes longer than `timeoutMs` has failed. */
  readonly token?: TokenSource;
  /** Milliseconds until a request without an answer, a token, or a connection without a welcome has failed; 15,000. */
  readonly timeoutMs?: number;
  /** Messages that may wait for a connection. */
  readonly queueSize?: number;
  /** Upper bound of the first wait between two attempts; the bound doubles with each failure, up to `maxDelayMs`. */
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
  /** Whether the session may outlive a lost connection, where the server allows it; true unless set to false. */
  readonly resume?: boolean;
  /** Characters of sent messages that the server has not seen, above which messages wait in the queue. */
  readonly resumeBufferSize?: number;
}

export interface SendOptions {
  readonly timeoutMs?: number;
}

export interface MessageOptions extends SendOptions {
  /** The reference of the message, 1 to 64 characters. The receiver gets it, and a `sys.undelivered` has it as `ref`. */
  readonly id?: string;
}

export interface StreamOptions {
  /** Milliseconds until the request must be sent; its answers have no time limit. */
  readonly timeoutMs?: number;
  /** Answers that may wait to be read; one more rejects with `buffer_full`. */
  readonly bufferSize?: number;
}

export interface WhoOptions extends SendOptions {
  /** The largest number of sessions to return. */
  readonly limit?: number;
}
