import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions } from 'ws';
import { CLOSE_TIMEOUT_MS, closeReason, SUBPROTOCOL, type ServerCloseCode } from '../protocol/index.js';
import { Settings } from '../settings/settings.js';
import { GatewayServer } from './gateway-server.js';
import { GatewaySocket } from './gateway-socket.js';
import type { AdmittedClient } from './handshake/connection-places.js';
import { SessionHooks } from './nest/session-hooks.js';
import { SessionStart } from './session-start.js';
import { SocketEvents } from './socket-events.js';

/** Listeners that one gateway may add to an event of a socket before Node.js warns; the default of an emitter. */
const LISTENERS_PER_GATEWAY = 10;

/** Makes the handshake of an admitted upgrade and opens its session. */
@Injectable()
export class SessionOpener {
  readonly #upgrades: WebSocketServer;
  /** Listeners of one event of a socket above which Node.js warns of a leak. Written with the first session. */
  #socketListeners: number | undefined;

  constructor(
    private readonly server: GatewayServer,
    private readonly socketEvents: SocketEvents,
    private readonly sessionStart: SessionStart,
    private readonly sessionHooks: SessionHooks,
    settings: Settings,
  ) {
    socketEvents.onDisconnect = (socket, code) => sessionHooks.disconnected(socket, code);
    this.#upgrades = new WebSocketServer(serverOptions(settings));
    this.#upgrades.on('headers', (headers, request) => server.emit('headers', headers, request));
  }

  /**
   * Answers an upgrade with 101 and opens the session. Where `ws` rejects the upgrade, nothing is opened.
   *
   * @param onAccepted called with the WebSocket before its session opens
   */
  open(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    admitted: AdmittedClient,
    onAccepted: (webSocket: GatewaySocket) => void,
  ): void {
    this.#upgrades.handleUpgrade(request, socket, head, (client) => {
      const opened = client as GatewaySocket;
      onAccepted(opened);
      opened.isPiped = admitted.isPiped;
      opened.setMaxListeners((this.#socketListeners ??= LISTENERS_PER_GATEWAY * (this.sessionHooks.gatewayCount + 2)));
      this.socketEvents.listen(opened, request.socket);
      this.sessionStart.start(opened, admitted, () => {
        this.sessionHooks.connected(opened, request);
        this.server.emit('connection', client, request);
      });
    });
  }

  /** Answers an upgrade with 101 and closes the WebSocket at once, without a session. */
  closeAtOnce(request: IncomingMessage, socket: Duplex, head: Buffer, code: ServerCloseCode): void {
    this.#upgrades.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => undefined); // nobody reads its frames
      client.close(code, closeReason(code));
    });
  }

  /** Destroys all connections and closes the server. */
  async stop(): Promise<void> {
    this.socketEvents.terminateAll();
    await new Promise((resolve) => this.#upgrades.close(resolve));
    this.server.emit('close');
  }
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
    maxFragments: 0, // `FrameTracker` limits fragments by their bytes
    closeTimeout: CLOSE_TIMEOUT_MS,
    // A browser drops a connection for which none of its subprotocols is selected.
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : [...offered][0]!),
  };
}
