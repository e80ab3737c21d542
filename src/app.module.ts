import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { BackplaneModule } from './cluster/backplane.module.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { UnknownPathFilter } from './gateway/handshake/unknown-path.filter.js';
import { GatewayExplorer } from './gateway/nest/gateway-explorer.js';
import { MessagingModule } from './messaging/messaging.module.js';
import { ApiModule } from './ops/api/api.module.js';
import { DocsModule } from './ops/docs/docs.module.js';
import { OpsModule } from './ops/ops.module.js';
import { SettingsModule } from './settings/settings.module.js';
import type { Settings } from './settings/settings.js';
import type { Log } from './telemetry/log.js';
import { TelemetryModule } from './telemetry/telemetry.module.js';

/** Lists all modules of the server. */
@Module({})
export class AppModule {
  /** @param handlers modules with gateways; tests replace those of `handlers/` */
  static async forRoot(settings: Settings, log: Log, handlers: DynamicModule['imports']): Promise<DynamicModule> {
    return {
      module: AppModule,
      imports: [
        SettingsModule.forRoot(settings),
        TelemetryModule.forRoot(log),
        BackplaneModule.forRoot(settings),
        MessagingModule,
        GatewayModule, // before the handlers: Nest connects the first gateway last, which must be `PlaceholderGateway`
        OpsModule,
        ...(settings.apiKeys === undefined ? [] : [ApiModule]),
        ...(settings.docs ? [DocsModule.forRoot(GatewayModule, GatewayExplorer)] : []),
        ...(handlers ?? [await handlersModule()]),
      ],
      // Nest asks the global filter last that it has found first, so every filter of the application comes before.
      providers: [{ provide: APP_FILTER, useClass: UnknownPathFilter }],
    };
  }
}

/** Loads the gateways of `handlers/` after the package, because a gateway may import the package by its name. */
async function handlersModule(): Promise<Type> {
  const { HandlersModule } = await import('./handlers/handlers.module.js');
  return HandlersModule;
}
