import { Injectable } from '@nestjs/common';
import type { Socket } from 'node:net';
import { ABNORMAL, CLOSE_TIMEOUT_MS, endsSession, type ClosedBy } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { Counters } from '../telemetry/counters.js';
import { Log } from '../telemetry/log.js';
import { MessageDispatcher } from './dispatch/message-dispatcher.js';
import { FastFrameReader, type WsDataListener } from './frames/fast-frame-reader.js';
import { FrameTracker } from './frames/frame-tracker.js';
import { SocketSink } from './http/socket-sink.js';
import { readPong, replyToPing } from './frames/ping-replies.js';
import { ReadBuffer } from './frames/read-buffer.js';
import type { GatewaySocket, SocketOwner } from './gateway-socket.js';

const OTHER_INTERNALS =
  'messages cost more, because sockets of this version of Node.js have other internals: run Node.js 20, 22 or 24';

const WEB_SOCKET = Symbol('the WebSocket that reads a TCP socket');
type ReadSocket = Socket & { [WEB_SOCKET]?: GatewaySocket };

/** The events of a TCP socket to which `ws` and this class listen. */
const EVENTS = ['data', 'end', 'close'] as const;

interface WsListeners {
  readonly data: WsDataListener;
  readonly end: (this: Socket) => void;
  readonly close: (this: Socket) => void;
}

/**
 * Passes on the events of accepted sockets. When a socket closes, its session ends, or is away where the client may come
 * back.
 */
@Injectable()
export class SocketEvents implements SocketOwner {
  /** The listeners of `ws`, the same functions for all sockets; found with the first socket. */
  #ws: WsListeners | undefined;
  /** Called when the socket of a session has closed. Written by `SessionOpener`. */
  onDisconnect: ((socket: GatewaySocket, code: number) => void) | undefined;
  readonly #readBuffer: ReadBuffer;
  #hasWarned = false;
  /** Listeners that serve all sockets, so that a session costs no closure. */
  readonly #listeners: Pick<WsListeners, 'end' | 'close'>;

  constructor(
    private readonly messageDispatcher: MessageDispatcher,
    private readonly fastFrameReader: FastFrameReader,
    private readonly sessions: SessionRegistry,
    private readonly counters: Counters,
    private readonly log: Log,
  ) {
    const ws = (): WsListeners => this.#ws!;
    this.#readBuffer = new ReadBuffer(function (this: ReadSocket, bytes, length) {
      // `ws` itself reads the bytes that a destroyed socket has still buffered.
      if (this.destroyed) return;
      const socket = this[WEB_SOCKET]!;
      const { session } = socket;
      const isAttached = session?.connection === socket;
      if (isAttached) session.markAlive();
      try {
        fastFrameReader.read(socket, this, bytes, length, ws().data);
      } catch (error) {
        // Where the next frame begins is unknown now.
        (socket.frameTracker ??= new FrameTracker()).failed = true;
        if (isAttached) session.fail(error);
      }
    });
    this.#listeners = {
      end(this: ReadSocket) {
        onEnd(this); // before `ws` ends the server's half
        ws().end.call(this);
      },
      close(this: ReadSocket) {
        onCut(this); // before `ws` reads what the socket has still buffered
        ws().close.call(this);
      },
    };
  }

  /** Passes on the events of a socket whose handshake was admitted, from now on. */
  listen(webSocket: GatewaySocket, socket: Socket): void {
    webSocket.sink = new SocketSink(socket);
    (socket as ReadSocket)[WEB_SOCKET] = webSocket;
    const isBuffered = this.#replaceListeners(socket);
    if (!(isBuffered && webSocket.sink.isKnown) && !socket.destroyed) this.#warnOnce();
    webSocket.owner = this;
    this.counters.webSockets++;
  }

  received(socket: GatewaySocket, event: 'message' | 'ping' | 'pong', body: Buffer, isBinary: boolean): void {
    this.fastFrameReader.reported();
    if (socket.session?.connection !== socket) return; // the session is away, or has another connection
    if (event === 'ping') replyToPing(socket, body);
    else if (event === 'pong') readPong(socket, body);
    else if (isBinary) socket.close(1003);
    else if (!this.fastFrameReader.readMessage(socket, body))
      this.messageDispatcher.read(socket, body.toString(), body.length);
  }

  failed({ frameTracker }: GatewaySocket, error: Error): void {
    if (frameTracker !== undefined) frameTracker.failed = true;
    this.log.debug(`socket: ${error.message}`);
  }

  closing(socket: GatewaySocket, code: number, by: ClosedBy): void {
    const { session } = socket;
    if (session?.connection !== socket) return;
    if (endsSession(code, by)) this.sessions.end(session, code);
    else this.sessions.lose(session, socket, code);
  }

  /** Takes a closed socket from its session, unless that was done before. */
  closed(socket: GatewaySocket, code: number): void {
    this.counters.webSockets--;
    this.closing(socket, code, 'cut');
    const { session } = socket;
    if (session?.closed === true && session.connection === socket) {
      session.outbox.detach(); // the frames that the socket held are gone
      session.outbox.discard();
    }
    this.onDisconnect?.(socket, code);
  }

  /** Destroys every connection without a close frame. */
  terminateAll(): void {
    for (const { connection } of this.sessions.all()) connection?.terminate();
  }

  #warnOnce(): void {
    if (!this.#hasWarned) this.log.warn(OTHER_INTERNALS, { version: process.version });
    this.#hasWarned = true;
  }

  /**
   * Replaces the listeners of `ws` by those of this class, which call them. One listener of an event needs no list. Returns
   * whether the socket reads into the buffer; otherwise it emits `data`.
   */
  #replaceListeners(socket: Socket): boolean {
    this.#ws ??= wsListenersOf(socket);
    const isBuffered = this.#readBuffer.listen(socket);
    socket.off('data', this.#ws.data);
    for (const event of ['end', 'close'] as const) {
      socket.off(event, this.#ws[event]);
      socket.on(event, this.#listeners[event]);
    }
    return isBuffered;
  }
}

/** @throws {Error} for a version of `ws` whose listeners are unknown */
function wsListenersOf(socket: Socket): WsListeners {
  const [data, end, close] = EVENTS.map((event) => {
    const listener = socket.listeners(event).at(-1);
    const name = `socketOn${event[0]!.toUpperCase()}${event.slice(1)}`;
    if (listener?.name === name) return listener;
    throw new Error(
      `unsupported version of "ws": its ${event} listener is not "${name}"; install the version in package.json`,
    );
  });
  return { data, end, close } as unknown as WsListeners;
}

/** Ends the session of a client that has closed its half without a close frame. */
function onEnd(socket: ReadSocket): void {
  const webSocket = socket[WEB_SOCKET];
  const session = webSocket?.session;
  if (webSocket === undefined || session === undefined || session.closed) return;
  // A client that reads no more would otherwise keep the connection indefinitely.
  const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
  webSocket.owner?.closing(webSocket, ABNORMAL, 'cut');
  if (session.connection !== webSocket) return; // the session is away, or has another connection
  try {
    session.outbox.flushAll();
  } catch (error) {
    session.fail(error);
  }
}

/** Ends the session of a connection that was cut, so that bytes which were not read have no effect. */
function onCut(socket: ReadSocket): void {
  const webSocket = socket[WEB_SOCKET];
  webSocket?.owner?.closing(webSocket, ABNORMAL, 'cut');
}
