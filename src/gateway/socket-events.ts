import { Injectable } from '@nestjs/common';
import type { Socket } from 'node:net';
import type { RawData } from 'ws';
import { ABNORMAL, CLOSE_TIMEOUT_MS, PROTOCOL_VERSION, welcomeFrames, type Frame } from '../protocol/index.js';
import type { Identity } from '../sessions/identity.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { Counters } from '../telemetry/counters.js';
import { Log } from '../telemetry/log.js';
import { MessageDispatcher } from './dispatch/message-dispatcher.js';
import { FastFrameReader, type WsDataListener } from './frames/fast-frame-reader.js';
import { FrameTracker } from './frames/frame-tracker.js';
import { directSocket } from './http/direct-socket.js';
import { readPong, replyToPing } from './frames/ping-replies.js';
import { ReadBuffer } from './frames/read-buffer.js';
import { serverListener, type GatewaySocket, type SocketOwner } from './gateway-socket.js';

const WEB_SOCKET = Symbol('the WebSocket that reads a TCP socket');
type ReadSocket = Socket & { [WEB_SOCKET]?: GatewaySocket };

/**
 * Opens the session of an accepted socket, passes on the socket's events, and ends the session when the socket closes.
 */
@Injectable()
export class SocketEvents implements SocketOwner {
  readonly #welcome: (session: string) => Frame;
  /** The data listener of `ws`, the same function for all sockets; found with the first socket. */
  #wsDataListener: WsDataListener | undefined;
  /** Called when the socket of a session has closed. Written by `SessionOpener`. */
  onDisconnect: ((socket: GatewaySocket, code: number) => void) | undefined;
  // One listener of each kind serves all sockets, so that a session costs no closure.
  readonly #readBuffer: ReadBuffer;
  readonly #onMessage: (this: GatewaySocket, data: RawData, isBinary: boolean) => void;
  readonly #onPing: (this: GatewaySocket, body: Buffer) => void;
  readonly #onPong: (this: GatewaySocket, body: Buffer) => void;
  readonly #onError: (this: GatewaySocket, error: Error) => void;

  constructor(
    messageDispatcher: MessageDispatcher,
    fastFrameReader: FastFrameReader,
    private readonly sessions: SessionRegistry,
    settings: Settings,
    private readonly counters: Counters,
    log: Log,
  ) {
    this.#welcome = welcomeFrames({
      protocol: PROTOCOL_VERSION,
      heartbeatMs: settings.heartbeatMs,
      maxMessageBytes: settings.maxMessageBytes,
      notices: settings.noticeScope,
    });
    const wsDataListener = (): WsDataListener => this.#wsDataListener!;
    this.#readBuffer = new ReadBuffer(function (this: ReadSocket, block, length) {
      // `ws` itself reads the bytes that a destroyed socket has still buffered.
      if (this.destroyed) return;
      const socket = this[WEB_SOCKET]!;
      socket.session?.markAlive();
      try {
        fastFrameReader.read(socket, this, block, length, wsDataListener());
      } catch (error) {
        // Where the next frame begins is unknown now.
        (socket.frameTracker ??= new FrameTracker()).failed = true;
        socket.session?.fail(error);
      }
    });
    this.#onMessage = serverListener(function (this: GatewaySocket, data: RawData, isBinary: boolean) {
      fastFrameReader.reported();
      const message = data as Buffer;
      if (isBinary) this.close(1003);
      else if (!fastFrameReader.readMessage(this, message))
        messageDispatcher.read(this, message.toString(), message.length);
    });
    this.#onPing = serverListener(function (this: GatewaySocket, body: Buffer) {
      fastFrameReader.reported();
      replyToPing(this, body);
    });
    this.#onPong = serverListener(function (this: GatewaySocket, body: Buffer) {
      fastFrameReader.reported();
      readPong(this, body);
    });
    this.#onError = serverListener(function (this: GatewaySocket, error: Error) {
      if (this.frameTracker !== undefined) this.frameTracker.failed = true;
      log.debug(`socket: ${error.message}`);
    });
  }

  /**
   * Opens a session for a socket whose handshake was admitted. Frames are read in a later tick.
   *
   * @param hooks run before others are notified of the session
   */
  open(webSocket: GatewaySocket, socket: Socket, identity: Identity, hooks: () => void): void {
    webSocket.sink = directSocket(socket);
    this.#listen(webSocket, socket);
    const session = this.sessions.create(identity);
    webSocket.attach(session);
    this.sessions.open(session, this.#welcome(session.id), () => {
      hooks();
      if (socket.destroyed) this.closing(session, ABNORMAL); // a hook has cut the connection, whose `close` follows
    });
  }

  closing(session: Session, code: number): void {
    this.sessions.end(session, code);
  }

  /** Ends the session of a closed socket, unless the session ended before. */
  closed(socket: GatewaySocket, code: number): void {
    this.counters.webSockets--;
    const { queue, session } = socket;
    if (session !== undefined) this.closing(session, code);
    session?.outbox.detach(); // the frames that the socket held are gone
    session?.outbox.discard();
    queue?.drop();
    this.onDisconnect?.(socket, code);
  }

  /** Destroys every connection without a close frame. */
  terminateAll(): void {
    for (const { connection } of this.sessions.all()) connection?.terminate();
  }

  #listen(webSocket: GatewaySocket, socket: Socket): void {
    (socket as ReadSocket)[WEB_SOCKET] = webSocket;
    this.#interceptData(socket);
    socket.prependListener('end', onEnd); // runs before `ws` ends the server's half
    socket.prependListener('close', onCut); // runs before `ws` reads what the socket has still buffered
    webSocket.on('message', this.#onMessage);
    webSocket.on('ping', this.#onPing);
    webSocket.on('pong', this.#onPong);
    webSocket.owner = this;
    this.counters.webSockets++;
    webSocket.on('error', this.#onError);
  }

  /**
   * Replaces the data listener of `ws` by the frame reader, which calls that listener for each frame that `ws` reads.
   */
  #interceptData(socket: Socket): void {
    this.#wsDataListener ??= wsDataListenerOf(socket);
    this.#readBuffer.listen(socket);
    socket.off('data', this.#wsDataListener);
  }
}

/** @throws {Error} for a version of `ws` whose data listener is unknown */
function wsDataListenerOf(socket: Socket): WsDataListener {
  const listener = socket.listeners('data').at(-1);
  if (listener?.name !== 'socketOnData')
    throw new Error(
      'unsupported version of "ws": its data listener is not "socketOnData"; install the version in package.json',
    );
  return listener as WsDataListener;
}

/** Ends the session of a client that has closed its half without a close frame. */
function onEnd(this: ReadSocket): void {
  const { owner, session, queue } = this[WEB_SOCKET] ?? {};
  if (session === undefined || session.closed) return;
  // A client that reads no more would otherwise keep the connection indefinitely.
  const timer = setTimeout(() => this.destroy(), CLOSE_TIMEOUT_MS);
  this.once('close', () => clearTimeout(timer));
  owner?.closing(session, ABNORMAL);
  queue?.drop();
  try {
    session.outbox.flushAll();
  } catch (error) {
    session.fail(error);
  }
}

/** Ends the session of a connection that was cut, so that bytes which were not read have no effect. */
function onCut(this: ReadSocket): void {
  const { owner, session } = this[WEB_SOCKET] ?? {};
  if (session !== undefined) owner?.closing(session, ABNORMAL);
}
