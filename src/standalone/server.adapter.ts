import type { INestApplication } from '@nestjs/common';
import { AbstractWsAdapter, type BaseWsInstance } from '@nestjs/websockets';
import type { Server } from 'node:http';
import type { WebSocketServer } from 'ws';
import { GatewayServer } from '../gateway/gateway-server.js';
import { ConnectionLimits } from '../gateway/handshake/connection-limits.js';
import { checkGateways } from '../gateway/nest/gateway-check.js';
import { UpgradeHandler } from '../gateway/upgrade-handler.js';
import { NodeState } from '../node/node-state.js';
import { Settings } from '../settings/settings.js';
import { takeInitHooks } from './nest-hooks.js';

/** Milliseconds in which a connection may still send a request, or take its response, after the drain. */
const STOP_GRACE_MS = 500;
/** Share of `DRAIN_TIMEOUT_MS` after which no connection stays, because shutdown hooks come before the exit. */
const CONNECTIONS_UNTIL = 0.96;

/**
 * Serves every gateway class at `WS_PATH`, whatever path a class names. Binds nothing of Nest to a socket, because
 * `GatewayBinding` binds handlers and hooks of all gateways.
 */
export class ServerAdapter extends AbstractWsAdapter {
  readonly #server: GatewayServer;
  readonly #upgradeHandler: UpgradeHandler;
  readonly #connectionLimits: ConnectionLimits;
  readonly #nodeState: NodeState;
  readonly #settings: Settings;

  constructor(app: INestApplication) {
    super(app);
    takeInitHooks(this);
    checkGateways(app);
    this.#server = app.get(GatewayServer);
    this.#upgradeHandler = app.get(UpgradeHandler);
    this.#connectionLimits = app.get(ConnectionLimits);
    this.#nodeState = app.get(NodeState);
    this.#settings = app.get(Settings);
    (this.httpServer as Server).on('upgrade', (request, socket, head) =>
      this.#upgradeHandler.handle(request, socket, head),
    );
  }

  create(): BaseWsInstance & WebSocketServer {
    return this.#server as WebSocketServer as BaseWsInstance & WebSocketServer;
  }

  /** Ignores the callback that Nest makes for each gateway. */
  override bindClientConnect(): void {}

  /** Is never called, because {@link bindClientConnect} binds nothing. */
  bindMessageHandlers(): void {}

  /**
   * Leaves the server open until {@link dispose}: Nest calls `close` once for each path, and never without gateways.
   */
  override async close(): Promise<void> {}

  override async dispose(): Promise<void> {
    this.#nodeState.drain();
    this.#connectionLimits.stop(this.#stopGraceMs());
    await this.#upgradeHandler.stop();
  }

  #stopGraceMs(): number {
    const { drainingSinceMs = 0 } = this.#nodeState;
    const untilMs = drainingSinceMs + this.#settings.drainTimeoutMs * CONNECTIONS_UNTIL;
    return Math.max(0, Math.min(STOP_GRACE_MS, untilMs - performance.now()));
  }
}
