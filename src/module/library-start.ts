import { Injectable, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { NodeState } from '../node/node-state.js';
import { Settings } from '../settings/settings.js';
import { StartError } from '../settings/start-error.js';
import { Log } from '../telemetry/log.js';
import { mountEndpoints } from './endpoint-mount.js';
import { createEndpoints } from './endpoints.js';
import { OptionsModule } from './options.module.js';

const NOT_ATTACHED =
  'no session can open: call app.useWebSocketAdapter(new SwitchboardAdapter(app)) before app.listen()';
const NOT_CHOSEN =
  'app.close() does not drain sessions: call app.useWebSocketAdapter() with the SwitchboardAdapter, after any other';

const NO_API = 'no HTTP API is served: apiKeys needs httpBase, such as /switchboard';

/**
 * Starts Switchboard with the application that has it as a library. Does nothing in an application without HTTP, such as
 * a script that only uses the providers.
 */
@Injectable()
export class LibraryStart implements OnModuleInit, OnApplicationBootstrap {
  #adapter: object | undefined;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly moduleRef: ModuleRef,
    private readonly settings: Settings,
    private readonly nodeState: NodeState,
    private readonly log: Log,
  ) {}

  /**
   * Notes that a `SwitchboardAdapter` takes the upgrade requests.
   *
   * @throws {StartError} for a second one
   */
  attach(adapter: object): void {
    if (this.#adapter !== undefined)
      throw new StartError(['the application has a SwitchboardAdapter already; create one, after the other adapter']);
    this.#adapter = adapter;
  }

  /**
   * Serves the endpoints where `httpBase` is set.
   *
   * @throws {StartError} for a second `forRoot()`, because settings and sessions exist once
   */
  async onModuleInit(): Promise<void> {
    const count = this.moduleRef.get(OptionsModule, { strict: false, each: true }).length;
    if (count > 1)
      throw new StartError([`SwitchboardModule.forRoot() is called ${count} times; call it once, in the root module`]);
    const { httpBase, apiKeys } = this.settings;
    if (httpBase === undefined && apiKeys !== undefined) this.log.warn(NO_API);
    if (httpBase === undefined || !this.#hasHttp) return;
    mountEndpoints(this.adapterHost.httpAdapter, httpBase, await createEndpoints(this.moduleRef));
  }

  onApplicationBootstrap(): void {
    if (!this.#hasHttp) return;
    this.nodeState.ready();
    const chosen = this.moduleRef.get(ApplicationConfig, { strict: false }).getIoAdapter() as object | null;
    if (this.#adapter === undefined) this.log.warn(NOT_ATTACHED);
    else if (chosen !== this.#adapter) this.log.warn(NOT_CHOSEN);
  }

  get #hasHttp(): boolean {
    const adapter = this.adapterHost.httpAdapter as unknown;
    return adapter !== undefined && adapter !== null;
  }
}
