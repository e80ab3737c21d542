import { Global, Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { GatewayPolicy } from '../gateway/nest/gateway-policy.js';
import { PartsModule } from '../module/parts.module.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import { DescriptorWatch } from './descriptor-watch.js';
import { SignalExit } from './signal-exit.js';
import { UnknownPathFilter } from './unknown-path.filter.js';

/** Lists the modules of the server as a program of its own. Global, because it has the settings and the log. */
@Global()
@Module({})
export class StandaloneModule {
  /** @param handlers modules with gateways; tests replace those of `handlers/` */
  static async forRoot(
    settings: Settings,
    log: Log,
    policy: GatewayPolicy,
    handlers: DynamicModule['imports'],
  ): Promise<DynamicModule> {
    return {
      module: StandaloneModule,
      imports: [PartsModule, ...(handlers ?? [await handlersModule()])],
      providers: [
        { provide: Settings, useValue: settings },
        { provide: Log, useValue: log },
        { provide: GatewayPolicy, useValue: policy },
        DescriptorWatch,
        SignalExit,
        // Nest asks the global filter last that it has found first, so every filter of the application comes before.
        { provide: APP_FILTER, useClass: UnknownPathFilter },
      ],
      exports: [Settings, Log, GatewayPolicy],
    };
  }
}

/** Loads the gateways of `handlers/` after the package, because a gateway may import the package by its name. */
async function handlersModule(): Promise<Type> {
  const { HandlersModule } = await import('../handlers/handlers.module.js');
  return HandlersModule;
}
