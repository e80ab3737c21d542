import { isUtf8 } from 'node:buffer';
import { errorMonitor, type EventEmitter } from 'node:events';
import { WebSocket } from 'ws';
import { checkClose, closeReason, isDeliverable, NO_STATUS, textFrame, type ClosedBy } from '../protocol/index.js';
import type { Connection } from '../sessions/connection.js';
import type { Session } from '../sessions/session.js';
import { FrameTracker } from './frames/frame-tracker.js';
import type { PingRecord } from './frames/ping-record.js';
import type { SocketSink } from './http/socket-sink.js';
import { afterSent, notSent, type SentCallback } from './sent-callbacks.js';

const NO_ENVELOPE =
  'client.send in an exception filter sends envelopes only; return the code and the text of the error';

/** The field of `ws` that shows a close frame of the client. */
const CLOSE_FRAME_RECEIVED = '_closeFrameReceived';

type Listener = Parameters<EventEmitter['on']>[1];
type SendOptions = Readonly<Partial<Record<'binary' | 'compress' | 'fin' | 'mask', boolean | undefined>>>;

/**
 * Serves sockets. A socket calls its owner before the listeners of the application, because those may throw. The owner is
 * no listener itself, because the application may remove listeners.
 */
export interface SocketOwner {
  /** Takes a message, a ping or a pong that `ws` has read. */
  received(socket: GatewaySocket, event: 'message' | 'ping' | 'pong', body: Buffer, isBinary: boolean): void;
  /** Takes an error of the connection, or of the bytes that `ws` has read. The socket closes. */
  failed(socket: GatewaySocket, error: Error): void;
  /** Takes a socket that begins to close from its session, which ends, or is away where the client may come back. */
  closing(socket: GatewaySocket, code: number, by: ClosedBy): void;
  /** @param code of the close frame of the client or the server; 1006 where the connection was lost */
  closed(socket: GatewaySocket, code: number): void;
}

/**
 * A WebSocket that is the connection of a session, and the client that Nest passes to gateways. `ws` creates it through
 * the documented `WebSocket` option of its server. Every write goes through the outbox of the session, so that no frame
 * overtakes another. `ws` calls `close` itself for a close frame and for each protocol error.
 */
export class GatewaySocket extends WebSocket implements Connection {
  /** The sink of the TCP or TLS socket. Written by `SocketEvents`, before the session opens. */
  sink!: SocketSink;
  /** Written by `SocketEvents`, before the session opens. */
  owner: SocketOwner | undefined;
  /** Written by `SessionOpener`, before the session opens. */
  isPiped = false;
  /** Written by {@link attach}. */
  session: Session | undefined;
  /** Set when both directions have ended. */
  #closeCode: number | undefined;
  /** Apart from those of the emitter, which code of the application may remove. */
  #closeListeners: ((code: number) => void)[] | undefined;

  /** Bytes read since the socket last waited for a turn. Written by the frame reader. */
  readBytes = 0;
  /** `sys.error` replies since the socket last waited for a turn. Reset by the frame reader. */
  errors = 0;
  /** Position in the bytes that `ws` reads. Written by the frame reader with the first frame for `ws`. */
  frameTracker: FrameTracker | undefined;
  /** Written by `Heartbeat` with the first ping. */
  pings: PingRecord | undefined;
  /** Exception filters that handle messages of this socket in this moment. Written by `HandlerFilters`. */
  filters = 0;

  get bytesRead(): number {
    return this.sink.socket.bytesRead;
  }

  get bytesWritten(): number {
    return this.sink.bytesWritten;
  }

  get takenBytes(): number {
    return this.sink.takenBytes;
  }

  get confirmedBytes(): number {
    return this.pings?.confirmedBytes ?? 0;
  }

  /** Makes this socket the connection of a session. */
  attach(session: Session): void {
    this.session = session;
    session.attach(this);
  }

  /**
   * Ends the session with this code, and sends the frames that wait and the close frame with one write. An empty close
   * frame counts as 1005. A missing reason is taken from the table of close codes; the answer to a close frame has one.
   *
   * @throws {RangeError | TypeError} for a code or a reason that no close frame may have; the session stays open
   */
  override close(code?: number, reason?: string | Buffer): void {
    checkClose(code, reason);
    const { session } = this;
    if (this.readyState !== WebSocket.OPEN || session?.connection !== this)
      return super.close(code, reason ?? closeReason(code));
    this.owner?.closing(this, code ?? NO_STATUS, this.#closedBy);
    this.sink.cork();
    try {
      if (session.connection === this) session.outbox.flushAll();
    } finally {
      super.close(code, reason ?? closeReason(code));
      this.sink.uncork();
      if (session.connection === this) session.resumeForClose();
      else this.startReading();
    }
  }

  /**
   * Sends one text frame in order with all others. For handlers that call `client.send` of `ws`.
   *
   * @param data a string, or text as UTF-8 bytes in a `Buffer`; with `{ binary: false }` in any typed array
   * @param done called once the bytes are with the kernel, or with an error where the socket is closed or a filter
   *   sends no envelope
   * @throws {TypeError} for data that is not text, and for a part of a message
   */
  override send(data: unknown, options?: SendOptions | SentCallback | null, done?: SentCallback): void {
    const callback = typeof options === 'function' ? options : done;
    const text = textOf(data, typeof options === 'function' ? undefined : options);
    const { session } = this;
    // Nest's own filters send a frame that no client of this protocol can read; the `sys.error` follows.
    if (this.filters > 0 && !isDeliverable(text)) return notSent(session, NO_ENVELOPE, callback);
    if (session === undefined || session.closed || (this.readyState !== WebSocket.OPEN && session.resumption === null))
      return notSent(session, `WebSocket is not open: readyState ${this.readyState}`, callback);
    session.send(textFrame(text));
    if (callback === undefined) return;
    if (session.connection !== this)
      process.nextTick(callback); // kept until the client comes back
    else afterSent(session, this, callback);
  }

  /** Stops reading for the application, beside the reasons of the server. */
  override pause(): void {
    if (this.session?.connection === this) this.session.pauseReading('application');
  }

  /** Takes back {@link pause}; reads again unless the server has a reason not to. */
  override resume(): void {
    if (this.session?.connection === this) this.session.resumeReading('application');
  }

  stopReading(): void {
    super.pause();
  }

  startReading(): void {
    super.resume();
  }

  override on(event: string | symbol, listener: Listener): this {
    this.#noteListener(event);
    return super.on(event, listener);
  }

  override addListener(event: string | symbol, listener: Listener): this {
    return this.on(event, listener);
  }

  // Not in the declarations of `ws`, which `EventEmitter` has.
  override prependListener(event: string | symbol, listener: Listener): this {
    this.#noteListener(event);
    return super.prependListener(event, listener);
  }

  /**
   * Lets the owner serve an event, then calls the listeners of the application. Closes this socket with 1011 where one of
   * them throws, because the exception would end the process.
   */
  override emit(event: string | symbol, ...parameters: unknown[]): boolean {
    try {
      this.#serve(event, parameters);
      // The emitter throws an error that has no listener.
      if (event === 'error' && this.owner !== undefined && this.listenerCount(event) === 0)
        return super.emit(errorMonitor, ...parameters);
      return super.emit(event, ...parameters);
    } catch (error) {
      if (this.session === undefined) throw error;
      this.session.fail(error);
      return true;
    }
  }

  #serve(event: string | symbol, [first, second]: readonly unknown[]): void {
    if (event === 'message' || event === 'ping' || event === 'pong')
      this.owner?.received(this, event, first as Buffer, second === true);
    else if (event === 'error') this.owner?.failed(this, first as Error);
    // An application may emit `close`, too; `ws` closes first.
    else if (event === 'close' && this.readyState === WebSocket.CLOSED) this.#closed(first as number);
  }

  onceClosed(listener: (code: number) => void): void {
    if (this.#closeCode === undefined) (this.#closeListeners ??= []).push(listener);
    else listener(this.#closeCode);
  }

  /** `ws` sets this field before it closes for a close frame of the client. */
  get #closedBy(): ClosedBy {
    return Reflect.get(this, CLOSE_FRAME_RECEIVED) === true ? 'client' : 'server';
  }

  countError(): void {
    this.errors++;
  }

  #closed(code: number): void {
    if (this.#closeCode !== undefined) return;
    this.#closeCode = code;
    this.owner?.closed(this, code);
    for (const listener of this.#closeListeners ?? []) listener(code);
  }

  /** Lets `ws` read all frames once the application listens for messages, because the frame reader emits none. */
  #noteListener(event: string | symbol): void {
    if (event === 'message') (this.frameTracker ??= new FrameTracker()).wsOnly = true;
  }
}

// The declarations of `ws` have a property, which a class cannot override by an accessor.
Object.defineProperty(GatewaySocket.prototype, 'bufferedAmount', {
  get(this: GatewaySocket): number {
    const { outbox, state } = this.session ?? {};
    return (outbox?.bufferedBytes ?? 0) + (state === 'away' ? (outbox?.replay?.bytes ?? 0) : 0);
  },
  enumerable: true,
});

/** @throws {TypeError} for data that would be a binary message, or a part of one */
function textOf(data: unknown, options: SendOptions | null | undefined): string {
  if (options?.fin === false) throw new TypeError('client.send sends whole messages only; leave out { fin: false }');
  if (options?.binary === true) throw notText('{ binary: true }');
  if (typeof data === 'string') return data;
  const bytes = Buffer.isBuffer(data) || options?.binary === false ? bytesOf(data) : undefined;
  if (bytes === undefined) throw notText(data === null ? 'null' : typeof data);
  if (!isUtf8(bytes)) throw notText('bytes that are not UTF-8');
  return bytes.toString();
}

function bytesOf(data: unknown): Buffer | undefined {
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return data instanceof ArrayBuffer ? Buffer.from(data) : undefined;
}

function notText(found: string): TypeError {
  return new TypeError(
    `client.send sends a string or a Buffer of text, and not ${found}; use JSON.stringify for objects, base64 for bytes`,
  );
}
