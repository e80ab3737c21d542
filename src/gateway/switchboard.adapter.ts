import type { INestApplication, WsMessageHandler } from '@nestjs/common';
import { AbstractWsAdapter, type BaseWsInstance } from '@nestjs/websockets';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions } from 'ws';
import { NodeState } from '../node/node-state.js';
import { CLOSE_TIMEOUT_MS, MAX_FRAGMENTS, SUBPROTOCOL } from '../protocol/index.js';
import type { Identity } from '../sessions/identity.js';
import { Settings } from '../settings/settings.js';
import { Counters } from '../telemetry/counters.js';
import { Admission } from './handshake/admission.js';
import { SessionRateLimiter } from './dispatch/session-rate-limiter.js';
import { GatewaySocket } from './gateway-socket.js';
import { guardHooks } from './nest/guarded-hooks.js';
import { HandlerTable, type MessageHandlerCallback } from './dispatch/handler-table.js';
import { HandshakeMetrics } from './handshake/handshake-metrics.js';
import { Handshake } from './handshake/handshake.js';
import { afterFirstValue } from './nest/first-value.js';
import { InterceptedTypes } from './nest/intercepted-types.js';
import { rejectUpgrade, type HandshakeRejection } from './handshake/rejection.js';
import { SocketEvents } from './socket-events.js';

/**
 * One WebSocket server for all gateway classes, whatever path they name. Owns the `upgrade` listener, so that a refusal
 * is a complete answer; binds handlers to a socket without parsing anything for each class anew.
 */
export class SwitchboardAdapter extends AbstractWsAdapter {
  readonly #server: WebSocketServer;
  readonly #handshake: Handshake;
  readonly #record: HandshakeMetrics;
  readonly #admission: Admission;
  readonly #nodeState: NodeState;
  readonly #settings: Settings;
  readonly #counters: Counters;
  readonly #table: HandlerTable;
  readonly #events: SocketEvents;
  /** Learned with the first socket, when nobody can add an interceptor any more. */
  #intercepted: InterceptedTypes | undefined;

  constructor(private readonly app: INestApplication) {
    super(app);
    guardHooks(app);
    this.#handshake = app.get(Handshake);
    this.#record = app.get(HandshakeMetrics);
    this.#admission = app.get(Admission);
    this.#nodeState = app.get(NodeState);
    this.#table = app.get(HandlerTable);
    this.#events = app.get(SocketEvents);
    this.#settings = app.get(Settings);
    this.#counters = app.get(Counters);
    this.#server = new WebSocketServer(serverOptions(this.#settings));
    (this.httpServer as Server).on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  create(): BaseWsInstance & WebSocketServer {
    return this.#server as BaseWsInstance & WebSocketServer;
  }

  /** Keeps the callbacks of one class and socket; the types they stand for are learned once a process. */
  bindMessageHandlers(socket: GatewaySocket, handlers: WsMessageHandler[]): void {
    if (handlers.length === 0) return;
    handlers.forEach(({ message }, index) => this.#table.register(socket.handlers.length + index, message));
    // Joined and not pushed: a list that grew would hold room that an idle session never needs.
    socket.handlers = [...socket.handlers, ...handlers.map((handler) => this.#callback(handler))];
  }

  /** All classes share one stream of departures, so that the first callback of a socket serves them all. */
  override bindClientDisconnect(socket: GatewaySocket, callback: (code: number) => void): void {
    socket.disconnected ??= callback;
  }

  /** Connections that are still open are refused from now on: who asks for an upgrade is told to come again. */
  override async close(): Promise<void> {
    this.#nodeState.drain();
    this.#events.cutAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #callback({ message, callback }: WsMessageHandler): MessageHandlerCallback {
    const handler = callback as MessageHandlerCallback;
    this.#intercepted ??= new InterceptedTypes(this.app);
    return this.#intercepted.has(message) ? afterFirstValue(handler) : handler;
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#handshake.rejection(request);
    if (refusal !== undefined) return this.#refuse(request, socket, refusal);
    const entrance = this.#admission.admit(request);
    if (entrance instanceof Promise) void this.#await(entrance, request, socket, head);
    else this.#decide(entrance, request, socket, head);
  }

  /** Waits for the verdict on a token. Nothing reads the socket meanwhile, so that what comes early stays in it. */
  async #await(entrance: Promise<Entrance>, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    const decided = await entrance;
    socket.off('error', onError);
    const refusal = this.#handshake.rejection(request);
    if (refusal !== undefined && !('code' in decided)) this.#admission.release(decided);
    this.#decide(refusal ?? decided, request, socket, head);
  }

  #decide(entrance: Entrance, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if ('code' in entrance) return this.#refuse(request, socket, entrance);
    let opened = false;
    socket.cork(); // for the welcome, with which the answer leaves
    try {
      this.#server.handleUpgrade(request, socket, head, (webSocket) => {
        const ours = webSocket as GatewaySocket;
        opened = true;
        this.#record.accepted();
        ours.identity = entrance;
        ours.sessionRateLimiter = SessionRateLimiter.of(this.#settings, this.#counters);
        this.#events.listen(ours, request.socket);
        this.#server.emit('connection', ours, request);
      });
    } finally {
      socket.uncork();
    }
    if (!opened) this.#admission.release(entrance);
  }

  #refuse(request: IncomingMessage, socket: Duplex, rejection: HandshakeRejection): void {
    this.#record.rejected(request, rejection.code);
    rejectUpgrade(socket, rejection, request.method);
  }
}

type Entrance = Identity | HandshakeRejection;

/** Options that `ws` has and its type declarations do not know yet. */
interface NewerServerOptions {
  readonly closeTimeout: number;
  readonly maxFragments: number;
}

function serverOptions({ maxMessageBytes }: Settings): ServerOptions & NewerServerOptions {
  return {
    noServer: true,
    WebSocket: GatewaySocket,
    clientTracking: false,
    autoPong: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    maxFragments: MAX_FRAGMENTS,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (offered) => offered.has(SUBPROTOCOL) && SUBPROTOCOL,
  };
}
