import type { INestApplication, WebSocketAdapter, WsMessageHandler } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { AbstractWsAdapter, type BaseWsInstance } from '@nestjs/websockets';
import type { Server } from 'node:http';
import type { Observable } from 'rxjs';
import { Handshake } from '../gateway/handshake/handshake.js';
import { claimUpgrades } from '../gateway/http/claimed-upgrades.js';
import { wantsWebSocket } from '../gateway/http/http-request.js';
import { checkGateways } from '../gateway/nest/gateway-check.js';
import { UpgradeHandler } from '../gateway/upgrade-handler.js';
import { NodeState } from '../node/node-state.js';
import { LibraryStart } from './library-start.js';
import { adapterOf, defaultAdapter, type OtherAdapter } from './other-adapter.js';

export interface SwitchboardAdapterOptions {
  /** Serves the `@WebSocketGateway()` classes of the application; by default the adapter that it has. */
  readonly others?: WebSocketAdapter;
}

/**
 * Opens the sessions of Switchboard at `WS_PATH` of an application that has `SwitchboardModule`. Everything of Nest's own
 * gateways goes to another adapter. Upgrade requests for other paths go where they went before.
 */
export class SwitchboardAdapter extends AbstractWsAdapter {
  readonly #upgradeHandler: UpgradeHandler;
  readonly #nodeState: NodeState;
  readonly #release: () => void;
  #others: OtherAdapter | undefined;

  /**
   * @throws {Error} where the application does not import `SwitchboardModule`
   * @throws {StartError} with one line for each fault of a gateway, and where the application has such an adapter already
   */
  constructor(
    private readonly app: INestApplication,
    { others }: SwitchboardAdapterOptions = {},
  ) {
    super(app);
    startOf(app).attach(this);
    this.#others = others ?? adapterOf(app);
    checkGateways(app);
    this.#nodeState = app.get(NodeState);
    const upgradeHandler = (this.#upgradeHandler = app.get(UpgradeHandler));
    const handshake = app.get(Handshake);
    this.#release = claimUpgrades(this.httpServer as Server, {
      claims: (request) => wantsWebSocket(request) && handshake.isWebSocketPath(request),
      handle: (request, socket, head) => upgradeHandler.handle(request, socket, head),
    });
  }

  create(port: number, options?: object): unknown {
    return this.#other.create(port, options) as unknown;
  }

  override bindClientConnect(server: BaseWsInstance, callback: (...args: unknown[]) => void): void {
    this.#other.bindClientConnect(server, callback);
  }

  override bindClientDisconnect(client: BaseWsInstance, callback: (...args: unknown[]) => void): void {
    this.#other.bindClientDisconnect?.(client, callback);
  }

  bindMessageHandlers(
    client: unknown,
    handlers: WsMessageHandler[],
    transform: (data: unknown) => Observable<unknown>,
  ): void {
    this.#other.bindMessageHandlers(client, handlers, transform);
  }

  override async close(server: BaseWsInstance): Promise<void> {
    await (this.#other.close(server) as unknown);
  }

  override async dispose(): Promise<void> {
    this.#nodeState.drain();
    await this.#upgradeHandler.stop();
    this.#release();
    await this.#others?.dispose?.();
  }

  /** Nest asks for it with the first gateway of the application, when it has set `forceCloseConnections`. */
  get #other(): OtherAdapter {
    const others = (this.#others ??= defaultAdapter(this.app));
    others.forceCloseConnections = this.forceCloseConnections;
    return others;
  }
}

/** Searches the modules, because `app.get()` logs an error of Nest and ends the process where a provider is missing. */
function startOf(app: INestApplication): LibraryStart {
  for (const { providers } of app.get(ModulesContainer).values()) {
    const start: unknown = providers.get(LibraryStart)?.instance;
    if (start instanceof LibraryStart) return start;
  }
  throw new Error('SwitchboardAdapter needs SwitchboardModule.forRoot() in the imports of a module of the application');
}
