import type { INestApplication, WsMessageHandler } from '@nestjs/common';
import { AbstractWsAdapter, type BaseWsInstance } from '@nestjs/websockets';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions } from 'ws';
import { NodeState } from '../node/node-state.js';
import { CLOSE_TIMEOUT_MS, MAX_FRAGMENTS, SUBPROTOCOL } from '../protocol/index.js';
import type { Identity } from '../sessions/identity.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { Settings } from '../settings/settings.js';
import { Counters } from '../telemetry/counters.js';
import { logIncident } from '../telemetry/incident.js';
import { Log } from '../telemetry/log.js';
import { Admission } from './handshake/admission.js';
import { ConnectionLimits } from './handshake/connection-limits.js';
import { SessionRateLimiter } from './dispatch/session-rate-limiter.js';
import { GatewayServer } from './gateway-server.js';
import { GatewaySocket } from './gateway-socket.js';
import { checkGateways } from './nest/gateway-check.js';
import { guardHooks } from './nest/guarded-hooks.js';
import { HandlerTable, type MessageHandlerCallback } from './dispatch/handler-table.js';
import { HandshakeMetrics } from './handshake/handshake-metrics.js';
import { Handshake } from './handshake/handshake.js';
import { afterFirstValue } from './nest/first-value.js';
import { InterceptedTypes } from './nest/intercepted-types.js';
import { rejectUpgrade, type HandshakeRejection } from './http/rejection.js';
import { SocketEvents } from './socket-events.js';

/** Listeners that one gateway may add to an event of a socket before Node.js warns; the default of an emitter. */
const LISTENERS_PER_GATEWAY = 10;

/**
 * Serves all gateway classes with one WebSocket server, whatever path a class names. Owns the `upgrade` listener, so
 * that a rejection is a complete HTTP response. Binds handlers to a socket without parsing a message once for each
 * class.
 */
export class SwitchboardAdapter extends AbstractWsAdapter {
  /** Given to all gateways. */
  readonly #server: GatewayServer;
  /** Makes the handshakes. */
  readonly #upgrades: WebSocketServer;
  readonly #handshake: Handshake;
  readonly #handshakeMetrics: HandshakeMetrics;
  readonly #admission: Admission;
  readonly #connectionLimits: ConnectionLimits;
  readonly #nodeState: NodeState;
  readonly #settings: Settings;
  readonly #counters: Counters;
  readonly #handlerTable: HandlerTable;
  readonly #socketEvents: SocketEvents;
  readonly #log: Log;
  /** Listeners of one event of a socket above which Node.js warns of a leak. */
  #socketListeners = LISTENERS_PER_GATEWAY;
  /** Read with the first socket, after which no interceptor can be added. */
  #intercepted: InterceptedTypes | undefined;

  constructor(private readonly app: INestApplication) {
    super(app);
    guardHooks(app);
    this.#handshake = app.get(Handshake);
    this.#handshakeMetrics = app.get(HandshakeMetrics);
    this.#admission = app.get(Admission);
    this.#connectionLimits = app.get(ConnectionLimits);
    this.#nodeState = app.get(NodeState);
    this.#handlerTable = app.get(HandlerTable);
    this.#handlerTable.register(checkGateways(app));
    this.#socketEvents = app.get(SocketEvents);
    this.#log = app.get(Log);
    this.#settings = app.get(Settings);
    this.#counters = app.get(Counters);
    this.#server = new GatewayServer(this.httpServer as Server, app.get(SessionRegistry));
    this.#upgrades = new WebSocketServer(serverOptions(this.#settings));
    this.#upgrades.on('headers', (headers, request) => this.#server.emit('headers', headers, request));
    (this.httpServer as Server).on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  override bindClientConnect(server: BaseWsInstance, callback: (...parameters: unknown[]) => void): void {
    this.#socketListeners += LISTENERS_PER_GATEWAY;
    super.bindClientConnect(server, callback);
  }

  create(): BaseWsInstance & WebSocketServer {
    return this.#server as WebSocketServer as BaseWsInstance & WebSocketServer;
  }

  /** Keeps the callbacks of one class for a socket, each at the index of its type. */
  bindMessageHandlers(socket: GatewaySocket, handlers: WsMessageHandler[]): void {
    if (handlers.length === 0) return;
    // Of its final size, because an array that grows keeps capacity that an idle session never needs.
    if (socket.handlers.length === 0) socket.handlers = Array.from({ length: this.#handlerTable.size });
    for (const handler of handlers)
      socket.handlers[this.#handlerTable.index(handler.message)!] = this.#callback(handler);
  }

  /** Keeps the first callback of a socket, because all classes share one stream of disconnects: see `shareOneServer`. */
  override bindClientDisconnect(socket: GatewaySocket, callback: (code: number) => void): void {
    socket.disconnected ??= callback;
  }

  /**
   * Leaves the server open until {@link dispose}: Nest calls `close` once for each path, and never without gateways.
   */
  override async close(): Promise<void> {}

  /** Destroys all connections and closes the server. Upgrade requests are rejected with `draining` from now on. */
  override async dispose(): Promise<void> {
    this.#nodeState.drain();
    this.#socketEvents.terminateAll();
    await new Promise((resolve) => this.#upgrades.close(resolve));
  }

  #callback({ message, callback }: WsMessageHandler): MessageHandlerCallback {
    const handler = callback as MessageHandlerCallback;
    this.#intercepted ??= new InterceptedTypes(this.app);
    return this.#intercepted.has(message) ? afterFirstValue(handler) : handler;
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      this.#answer(request, socket, head);
    } catch (error) {
      this.#abandon(socket, error);
    }
  }

  /** Logs what a handshake has thrown and cuts its connection, because one fault must not end the process. */
  #abandon(socket: Duplex, error: unknown): void {
    logIncident(this.#log, error, {});
    socket.on('error', () => undefined); // an error of an earlier write may be pending
    socket.destroy();
  }

  #answer(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const rejection = this.#handshake.rejection(request);
    if (rejection !== undefined) return this.#reject(request, socket, rejection);
    const result = this.#admission.admit(request);
    if (result instanceof Promise) {
      this.#connectionLimits.release(socket); // the admission counts the connection while the token is verified
      this.#awaitAdmission(result, request, socket, head).catch((error: unknown) => this.#abandon(socket, error));
    } else this.#decide(result, request, socket, head);
  }

  /** Waits until a token is verified. Bytes that arrive meanwhile stay in the socket, because nothing reads it. */
  async #awaitAdmission(
    result: Promise<AdmissionResult>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    const decided = await result;
    const rejection = this.#handshake.rejection(request);
    if (rejection !== undefined && !('code' in decided)) this.#admission.release(decided);
    this.#decide(rejection ?? decided, request, socket, head);
    socket.off('error', onError); // only now, because the next owner of the socket has its own listener
  }

  #decide(result: AdmissionResult, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if ('code' in result) return this.#reject(request, socket, result);
    let webSocket: GatewaySocket | undefined;
    socket.cork(); // until the welcome, so that the handshake response and the welcome leave with one write
    try {
      this.#upgrades.handleUpgrade(request, socket, head, (client) => {
        webSocket = client as GatewaySocket;
        this.#connectionLimits.release(socket);
        this.#handshakeMetrics.accepted();
        webSocket.setMaxListeners(this.#socketListeners);
        webSocket.sessionRateLimiter = SessionRateLimiter.of(this.#settings, this.#counters);
        this.#socketEvents.open(webSocket, request.socket, result);
        this.#server.emit('connection', webSocket, request); // calls Nest's connection hooks: the session is open
      });
    } catch (error) {
      if (webSocket?.session === undefined) this.#abandon(socket, error);
      else webSocket.session.fail(error);
    } finally {
      socket.uncork();
    }
    if (webSocket?.session === undefined) this.#admission.release(result);
  }

  #reject(request: IncomingMessage, socket: Duplex, rejection: HandshakeRejection): void {
    this.#handshakeMetrics.rejected(request, rejection.code);
    rejectUpgrade(socket, rejection, request.method);
  }
}

/** The result of admission. An identity opens a session; a rejection is sent as the HTTP response. */
type AdmissionResult = Identity | HandshakeRejection;

/** Options of `ws` that are missing in its type declarations. */
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
