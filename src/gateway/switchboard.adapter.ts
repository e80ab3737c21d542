import type { INestApplication } from '@nestjs/common';
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
import { HandlerTable } from './dispatch/handler-table.js';
import { HandshakeMetrics } from './handshake/handshake-metrics.js';
import { Handshake } from './handshake/handshake.js';
import { HandlerCompiler, type MessageOptions } from './nest/handler-compiler.js';
import { SessionHooks } from './nest/session-hooks.js';
import { rejectUpgrade, type HandshakeRejection } from './http/rejection.js';
import { SocketEvents } from './socket-events.js';

/** Listeners that one gateway may add to an event of a socket before Node.js warns; the default of an emitter. */
const LISTENERS_PER_GATEWAY = 10;
/** Milliseconds in which a connection may still send a request, or take its response, after the drain. */
const STOP_GRACE_MS = 500;
/** Share of `DRAIN_TIMEOUT_MS` after which no connection stays, because shutdown hooks come before the exit. */
const CONNECTIONS_UNTIL = 0.96;

/**
 * Serves all gateway classes with one WebSocket server, whatever path a class names. Owns the `upgrade` listener, so
 * that a rejection is a complete HTTP response. Binds nothing to a socket, because one compiled callback for each
 * handler serves all sockets.
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
  readonly #sessionHooks: SessionHooks;
  readonly #log: Log;
  /** Handshakes whose client is being identified. */
  readonly #pending = new Map<Duplex, IncomingMessage>();
  /** Listeners of one event of a socket above which Node.js warns of a leak. */
  #socketListeners = LISTENERS_PER_GATEWAY;
  #compiled = false;

  constructor(
    private readonly app: INestApplication,
    private readonly options: MessageOptions,
  ) {
    super(app);
    this.#sessionHooks = app.get(SessionHooks);
    this.#sessionHooks.takeFromNest(this);
    this.#handshake = app.get(Handshake);
    this.#handshakeMetrics = app.get(HandshakeMetrics);
    this.#admission = app.get(Admission);
    this.#connectionLimits = app.get(ConnectionLimits);
    this.#nodeState = app.get(NodeState);
    this.#handlerTable = app.get(HandlerTable);
    checkGateways(app);
    this.#socketEvents = app.get(SocketEvents);
    this.#socketEvents.onDisconnect = (socket, code) => this.#sessionHooks.disconnected(socket, code);
    this.#log = app.get(Log);
    this.#settings = app.get(Settings);
    this.#counters = app.get(Counters);
    this.#server = new GatewayServer(this.httpServer as Server, app.get(SessionRegistry));
    this.#upgrades = new WebSocketServer(serverOptions(this.#settings));
    this.#upgrades.on('headers', (headers, request) => this.#server.emit('headers', headers, request));
    (this.httpServer as Server).on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  /** Nest calls this before it connects the first gateway: all providers and global guards, pipes … are known. */
  create(): BaseWsInstance & WebSocketServer {
    if (!this.#compiled) new HandlerCompiler(this.app, this.#server, this.options).registerAll(this.#handlerTable);
    this.#compiled = true;
    return this.#server as WebSocketServer as BaseWsInstance & WebSocketServer;
  }

  /**
   * Counts gateways. Ignores the callback that Nest makes for each gateway, because `SessionHooks` calls the hooks and
   * {@link HandlerCompiler} binds the handlers.
   */
  override bindClientConnect(): void {
    this.#socketListeners += LISTENERS_PER_GATEWAY;
  }

  /** Is never called, because {@link bindClientConnect} binds nothing. */
  bindMessageHandlers(): void {}

  /**
   * Leaves the server open until {@link dispose}: Nest calls `close` once for each path, and never without gateways.
   */
  override async close(): Promise<void> {}

  /**
   * Destroys all connections and closes the server. Upgrade requests are rejected with `draining` from now on, also those
   * whose client is being identified, because the server would wait for the result.
   */
  override async dispose(): Promise<void> {
    this.#nodeState.drain();
    this.#socketEvents.terminateAll();
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const [socket, request] of pending) {
      const rejection = this.#handshake.rejection(request);
      if (rejection !== undefined) this.#reject(request, socket, rejection);
    }
    this.#connectionLimits.stop(this.#stopGraceMs());
    await new Promise((resolve) => this.#upgrades.close(resolve));
    this.#server.emit('close');
  }

  #stopGraceMs(): number {
    const { drainingSinceMs = 0 } = this.#nodeState;
    const untilMs = drainingSinceMs + this.#settings.drainTimeoutMs * CONNECTIONS_UNTIL;
    return Math.max(0, Math.min(STOP_GRACE_MS, untilMs - performance.now()));
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!socket.writable) return leave(socket); // a listener of the application has answered
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
      this.#connectionLimits.release(socket); // the admission counts the connection while it waits
      this.#awaitAdmission(result, request, socket, head).catch((error: unknown) => this.#abandon(socket, error));
    } else this.#decide(result, request, socket, head);
  }

  /** Waits until the client is identified. Bytes that arrive meanwhile stay in the socket, because nothing reads it. */
  async #awaitAdmission(
    result: Promise<AdmissionResult | undefined>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    this.#pending.set(socket, request);
    let isWaiting = true;
    const decided = await result.finally(() => (isWaiting = this.#pending.delete(socket)));
    if (decided === undefined) return void socket.destroy();
    const rejection = this.#handshake.rejection(request);
    if (rejection !== undefined && !('code' in decided)) this.#admission.release(decided);
    if (!isWaiting) return; // rejected by `dispose`
    this.#decide(rejection ?? decided, request, socket, head);
    socket.off('error', onError); // only now, because the next owner of the socket has its own listener
  }

  #decide(result: AdmissionResult, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if ('code' in result) return this.#reject(request, socket, result);
    let webSocket: GatewaySocket | undefined;
    socket.cork(); // until the welcome, so that the handshake response and the welcome leave with one write
    try {
      this.#upgrades.handleUpgrade(request, socket, head, (client) => {
        const opened = (webSocket = client as GatewaySocket);
        this.#connectionLimits.release(socket);
        this.#handshakeMetrics.accepted();
        opened.setMaxListeners(this.#socketListeners);
        opened.sessionRateLimiter = SessionRateLimiter.of(this.#settings, this.#counters);
        this.#socketEvents.open(opened, request.socket, result, () => {
          this.#sessionHooks.arrived(opened, request);
          this.#server.emit('connection', client, request);
        });
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
    this.#handshakeMetrics.rejected(request, rejection.code, rejection.reason);
    rejectUpgrade(socket, rejection, request.method);
  }
}

/** The result of admission. An identity opens a session; a rejection is sent as the HTTP response. */
type AdmissionResult = Identity | HandshakeRejection;

/** Reads a socket that another listener has ended until it is gone, because nothing else would notice its end. */
function leave(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  socket.resume();
}

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
    // A browser drops a connection for which none of its subprotocols is selected.
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : [...offered][0]!),
  };
}
