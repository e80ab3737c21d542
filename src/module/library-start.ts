import { Injectable, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { NodeState } from '../node/node-state.js';
import { Settings } from '../settings/settings.js';
import { StartError } from '../settings/start-error.js';
import { Log } from '../telemetry/log.js';
import { mountEndpoints } from './endpoint-mount.js';
import { createEndpoints } from './endpoints.js';
import { OptionsModule } from './options.module.js';

/**
 * Starts Switchboard with the application that has it as a library. Does nothing in an application without HTTP, such as
 * a script that only uses the providers.
 */
@Injectable()
export class LibraryStart implements OnModuleInit, OnApplicationBootstrap {
  #hasAdapter = false;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly moduleRef: ModuleRef,
    private readonly settings: Settings,
    private readonly nodeState: NodeState,
    private readonly log: Log,
  ) {}

  /** Notes that a `SwitchboardAdapter` opens sessions. */
  attached(): void {
    this.#hasAdapter = true;
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
    const { httpBase } = this.settings;
    if (httpBase === undefined || !this.#hasHttp) return;
    mountEndpoints(this.adapterHost.httpAdapter, httpBase, await createEndpoints(this.moduleRef));
  }

  onApplicationBootstrap(): void {
    if (!this.#hasHttp) return;
    this.nodeState.ready();
    if (!this.#hasAdapter)
      this.log.warn(
        'no session can open: call app.useWebSocketAdapter(new SwitchboardAdapter(app)) before app.listen()',
      );
  }

  get #hasHttp(): boolean {
    const adapter = this.adapterHost.httpAdapter as unknown;
    return adapter !== undefined && adapter !== null;
  }
}
