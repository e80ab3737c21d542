import { Injectable, Logger } from '@nestjs/common';
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import { ABNORMAL, CLOSE_TIMEOUT_MS } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { Settings } from '../settings/settings.js';
import { answerPing, takePong } from './frames/ping-replies.js';
import { FastFrameReader, type WsDataListener } from './frames/fast-frame-reader.js';
import { FrameTracker } from './frames/frame-tracker.js';
import type { GatewaySocket } from './gateway-socket.js';
import { MessageDispatcher } from './dispatch/message-dispatcher.js';

const WEB_SOCKET = Symbol('the WebSocket that reads a TCP socket');
type ReadSocket = Socket & { [WEB_SOCKET]?: GatewaySocket };

/** Binds a socket's events to the services; the listeners are shared by all sockets, none is made for one. */
@Injectable()
export class SocketEvents {
  readonly #logger = new Logger(SocketEvents.name);
  readonly #fast: boolean;
  /** One function for all sockets, learned from the first. */
  #wsDataListener: WsDataListener | undefined;
  readonly #onData: (this: Socket, chunk: Buffer) => void;
  readonly #onMessage: (this: WebSocket, data: RawData, isBinary: boolean) => void;
  readonly #onPing: (this: WebSocket, body: Buffer) => void;
  readonly #onEnd: (this: Socket) => void;
  readonly #onPong: (this: WebSocket, body: Buffer) => void;
  readonly #onError: (this: WebSocket, error: Error) => void;

  constructor(
    messageDispatcher: MessageDispatcher,
    lane: FastFrameReader,
    private readonly sessions: SessionRegistry,
    settings: Settings,
  ) {
    const fast = settings.fastLane;
    this.#fast = fast;
    const feed = (): WsDataListener => this.#wsDataListener!;
    this.#onData = function (this: ReadSocket, chunk) {
      // What a closing socket had still buffered, `ws` reads by itself.
      if (this.destroyed) return;
      const socket = this[WEB_SOCKET]!;
      if (socket.session !== undefined) socket.session.alive = true;
      lane.read(socket, this, chunk, feed());
    };
    this.#onMessage = function (data, isBinary) {
      lane.reported();
      const message = data as Buffer;
      if (isBinary) this.close(1003);
      else if (!fast || !lane.take(this as GatewaySocket, message))
        messageDispatcher.read(this as GatewaySocket, message.toString(), message.length);
    };
    this.#onEnd = function (this: ReadSocket) {
      const session = this[WEB_SOCKET]?.session;
      if (session === undefined || session.closed) return;
      sessions.end(session, ABNORMAL);
      session.outbox.flushAll();
      // Who has closed its half and does not read the rest would keep the connection for ever.
      const timer = setTimeout(() => this.destroy(), CLOSE_TIMEOUT_MS);
      this.once('close', () => clearTimeout(timer));
    };
    const logger = this.#logger;
    this.#onError = function (error) {
      const { walk } = this as GatewaySocket;
      if (walk !== undefined) walk.failed = true;
      logger.debug(`socket: ${error.message}`);
    };
    this.#onPong = function (body) {
      lane.reported();
      takePong(this as GatewaySocket, body.length);
    };
    this.#onPing = function (body) {
      lane.reported();
      answerPing(this as GatewaySocket, body);
    };
  }

  listen(webSocket: GatewaySocket, socket: Socket): void {
    (socket as ReadSocket)[WEB_SOCKET] = webSocket;
    if (this.#fast) this.#divert(socket);
    else socket.prependListener('data', follow);
    socket.prependListener('end', this.#onEnd); // before `ws` ends our half
    webSocket.on('message', this.#onMessage);
    webSocket.on('ping', this.#onPing);
    webSocket.on('pong', this.#onPong);
    webSocket.on('close', onClose);
    webSocket.on('error', this.#onError);
  }

  /** Cuts every connection without a word: the end of a stop. */
  cutAll(): void {
    for (const { socket } of this.sessions.all()) socket.terminate();
  }

  /** Puts the fast lane where `ws` listens, and keeps `ws`'s listener for what the lane leaves to it. */
  #divert(socket: Socket): void {
    this.#wsDataListener ??= listenerOfWs(socket);
    socket.on('data', this.#onData);
    socket.off('data', this.#wsDataListener);
  }
}

/** @throws {Error} when `ws` does not read a socket as the fast lane was built for */
function listenerOfWs(socket: Socket): WsDataListener {
  const listener = socket.listeners('data').at(-1);
  if (listener?.name !== 'socketOnData')
    throw new Error(
      'this version of "ws" reads its sockets in another way than the fast lane knows: ' +
        'install the version in package.json, or set FAST_LANE=off',
    );
  return listener as WsDataListener;
}

/** Any traffic counts as life. Where `ws` reads everything, its place in the stream is known from here alone. */
function follow(this: ReadSocket, chunk: Buffer): void {
  const socket = this[WEB_SOCKET]!;
  if (socket.session !== undefined) socket.session.alive = true;
  const walk = (socket.walk ??= new FrameTracker());
  for (let at = 0; at < chunk.length;) at = walk.step(chunk, at);
}

function onClose(this: WebSocket, code: number): void {
  const { queue, disconnected } = this as GatewaySocket;
  queue?.drop();
  disconnected?.(code);
}
