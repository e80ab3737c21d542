import { Injectable, Logger } from '@nestjs/common';
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import { ABNORMAL, CLOSE_TIMEOUT_MS, PROTOCOL_VERSION, welcomeFrames, type Frame } from '../protocol/index.js';
import type { Identity } from '../sessions/identity.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { Settings } from '../settings/settings.js';
import { MessageDispatcher } from './dispatch/message-dispatcher.js';
import { FastFrameReader, type WsDataListener } from './frames/fast-frame-reader.js';
import { FrameTracker } from './frames/frame-tracker.js';
import { chargePong, replyToPing } from './frames/ping-replies.js';
import type { GatewaySocket } from './gateway-socket.js';

const WEB_SOCKET = Symbol('the WebSocket that reads a TCP socket');
type ReadSocket = Socket & { [WEB_SOCKET]?: GatewaySocket };

/** Opens the session of an accepted socket, passes on the socket's events, and ends the session when the socket closes. */
@Injectable()
export class SocketEvents {
  readonly #logger = new Logger(SocketEvents.name);
  readonly #welcome: (session: string) => Frame;
  /** `undefined` with `FAST_LANE=off`. */
  readonly #fastFrameReader: FastFrameReader | undefined;
  /** The data listener of `ws`, the same function for all sockets; found with the first socket. */
  #wsDataListener: WsDataListener | undefined;
  // One listener of each kind serves all sockets, so that a session costs no closure.
  readonly #onData: (this: Socket, chunk: Buffer) => void;
  readonly #onMessage: (this: WebSocket, data: RawData, isBinary: boolean) => void;
  readonly #onPing: (this: WebSocket, body: Buffer) => void;
  readonly #onPong: (this: WebSocket, body: Buffer) => void;
  readonly #onError: (this: WebSocket, error: Error) => void;

  constructor(
    messageDispatcher: MessageDispatcher,
    fastFrameReader: FastFrameReader,
    private readonly sessions: SessionRegistry,
    settings: Settings,
  ) {
    this.#welcome = welcomeFrames({
      protocol: PROTOCOL_VERSION,
      heartbeatMs: settings.heartbeatMs,
      maxMessageBytes: settings.maxMessageBytes,
      notices: settings.noticeScope,
    });
    const isFast = settings.fastLane;
    this.#fastFrameReader = isFast ? fastFrameReader : undefined;
    const wsDataListener = (): WsDataListener => this.#wsDataListener!;
    this.#onData = function (this: ReadSocket, chunk) {
      // `ws` itself reads the bytes that a destroyed socket has still buffered.
      if (this.destroyed) return;
      const socket = this[WEB_SOCKET]!;
      socket.session?.markAlive();
      fastFrameReader.read(socket, this, chunk, wsDataListener());
    };
    this.#onMessage = function (data, isBinary) {
      fastFrameReader.reported();
      const message = data as Buffer;
      if (isBinary) this.close(1003);
      else if (!isFast || !fastFrameReader.readMessage(this as GatewaySocket, message))
        messageDispatcher.read(this as GatewaySocket, message.toString(), message.length);
    };
    this.#onPing = function (body) {
      fastFrameReader.reported();
      replyToPing(this as GatewaySocket, body);
    };
    this.#onPong = function (body) {
      fastFrameReader.reported();
      chargePong(this as GatewaySocket, body.length);
    };
    const logger = this.#logger;
    this.#onError = function (error) {
      const { frameTracker } = this as GatewaySocket;
      if (frameTracker !== undefined) frameTracker.failed = true;
      logger.debug(`socket: ${error.message}`);
    };
  }

  /** Opens a session for a socket whose handshake was admitted. Frames are read in a later tick. */
  open(webSocket: GatewaySocket, socket: Socket, identity: Identity): void {
    webSocket.sink = socket;
    this.#listen(webSocket, socket);
    const session = this.sessions.create(identity);
    webSocket.attach(session);
    this.sessions.open(session, this.#welcome(session.id));
  }

  /** Destroys every connection without a close frame. */
  terminateAll(): void {
    for (const { connection } of this.sessions.all()) connection?.terminate();
  }

  #listen(webSocket: GatewaySocket, socket: Socket): void {
    (socket as ReadSocket)[WEB_SOCKET] = webSocket;
    if (this.#fastFrameReader === undefined) socket.prependListener('data', trackFrames);
    else this.#interceptData(socket);
    socket.prependListener('end', onEnd); // runs before `ws` ends the server's half
    webSocket.on('message', this.#onMessage);
    webSocket.on('ping', this.#onPing);
    webSocket.on('pong', this.#onPong);
    webSocket.on('close', onClose);
    webSocket.on('error', this.#onError);
  }

  /** Replaces the data listener of `ws` by the fast frame reader, which calls that listener for all other frames. */
  #interceptData(socket: Socket): void {
    this.#wsDataListener ??= wsDataListenerOf(socket);
    socket.on('data', this.#onData);
    socket.off('data', this.#wsDataListener);
  }
}

/** @throws {Error} for a version of `ws` whose data listener is unknown */
function wsDataListenerOf(socket: Socket): WsDataListener {
  const listener = socket.listeners('data').at(-1);
  if (listener?.name !== 'socketOnData')
    throw new Error(
      'unsupported version of "ws": its data listener is not "socketOnData"; ' +
        'install the version in package.json, or set FAST_LANE=off',
    );
  return listener as WsDataListener;
}

/** Marks the session alive and tracks frames where `ws` reads everything. */
function trackFrames(this: ReadSocket, chunk: Buffer): void {
  const socket = this[WEB_SOCKET]!;
  socket.session?.markAlive();
  const frameTracker = (socket.frameTracker ??= new FrameTracker());
  for (let at = 0; at < chunk.length;) at = frameTracker.step(chunk, at);
}

/** Ends the session of a client that has closed its half without a close frame. */
function onEnd(this: ReadSocket): void {
  const { session, queue } = this[WEB_SOCKET] ?? {};
  if (session === undefined || session.closed) return;
  session.end(ABNORMAL);
  queue?.drop();
  session.outbox.flushAll();
  // A client that reads no more would otherwise keep the connection indefinitely.
  const timer = setTimeout(() => this.destroy(), CLOSE_TIMEOUT_MS);
  this.once('close', () => clearTimeout(timer));
}

/** Ends the session of a closed socket, unless it ended before, then calls Nest's disconnect hooks. */
function onClose(this: WebSocket, code: number): void {
  const { queue, session, disconnected } = this as GatewaySocket;
  queue?.drop();
  session?.end(code);
  session?.outbox.discard();
  disconnected?.(code);
}
