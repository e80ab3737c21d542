import { Global, Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { GatewayPolicy } from '../gateway/nest/gateway-policy.js';
import { HandlersModule } from '../handlers/handlers.module.js';
import { SwitchboardModule } from '../module/switchboard.module.js';
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
  static forRoot(
    settings: Settings,
    log: Log,
    policy: GatewayPolicy,
    handlers: NonNullable<DynamicModule['imports']> = [HandlersModule],
  ): DynamicModule {
    return {
      module: StandaloneModule,
      imports: [SwitchboardModule, ...handlers],
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
