import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import { controlFrame, OPCODE } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { GatewaySocket } from './gateway-socket.js';
import { Intake } from './intake.js';

const SOCKET_OF = Symbol('the WebSocket of a TCP socket');
type ReadSocket = Socket & { [SOCKET_OF]?: GatewaySocket };

/** Binds a socket's events to the services; the listeners are shared by all sockets, none is made for one. */
@Injectable()
export class SocketEvents {
  readonly #logger = new Logger(SocketEvents.name);
  readonly #onMessage: (this: WebSocket, data: RawData, isBinary: boolean) => void;

  constructor(
    @Inject(Intake) intake: Intake,
    @Inject(SessionRegistry) private readonly sessions: SessionRegistry,
  ) {
    this.#onMessage = function (data, isBinary) {
      if (isBinary) this.close(1003);
      else intake.read(this as GatewaySocket, (data as Buffer).toString());
    };
  }

  listen(webSocket: GatewaySocket, socket: Socket): void {
    (socket as ReadSocket)[SOCKET_OF] = webSocket;
    socket.prependListener('data', onData);
    webSocket.on('message', this.#onMessage);
    webSocket.on('ping', onPing);
    webSocket.on('close', onClose);
    webSocket.on('error', this.#onError);
  }

  /** Cuts every connection without a word: the end of a stop. */
  cutAll(): void {
    for (const { socket } of this.sessions.all()) socket.terminate();
  }

  readonly #onError = (error: Error): void => this.#logger.debug(`socket: ${error.message}`);
}

/** Any traffic counts as life. */
function onData(this: ReadSocket): void {
  const session = this[SOCKET_OF]?.session;
  if (session !== undefined) session.heard = true;
}

function onPing(this: WebSocket, body: Buffer): void {
  (this as GatewaySocket).session?.send(controlFrame(OPCODE.pong, body));
}

function onClose(this: WebSocket, code: number): void {
  const { queue, disconnected } = this as GatewaySocket;
  queue?.drop();
  disconnected?.(code);
}
