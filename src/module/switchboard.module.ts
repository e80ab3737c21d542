import { Module, type ConfigurableModuleAsyncOptions, type DynamicModule } from '@nestjs/common';
import { BackplaneModule } from '../cluster/backplane.module.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { GatewayExplorer } from '../gateway/nest/gateway-explorer.js';
import { MessagingModule } from '../messaging/messaging.module.js';
import { NodeModule } from '../node/node.module.js';
import { ApiModule } from '../ops/api/api.module.js';
import { DocsModule } from '../ops/docs/docs.module.js';
import { OpsModule } from '../ops/ops.module.js';
import type { SwitchboardOptions } from '../settings/library-options.js';
import { TelemetryModule } from '../telemetry/telemetry.module.js';
import { LibraryStart } from './library-start.js';
import { OptionsModule } from './options.module.js';

/** Options of `SwitchboardModule.forRootAsync()`: `imports`, `inject` and `useFactory`, or `useClass`, or `useExisting`. */
export type SwitchboardAsyncOptions = ConfigurableModuleAsyncOptions<SwitchboardOptions>;

/**
 * Adds sessions and messages to an application of Nest. Needs {@link SwitchboardAdapter}, which opens the sessions.
 * Without `forRoot()` the module needs a global module with `Settings`, `Log` and `GatewayPolicy`.
 */
@Module({
  imports: [
    TelemetryModule,
    BackplaneModule,
    MessagingModule,
    GatewayModule,
    OpsModule,
    ApiModule,
    DocsModule.forRoot(GatewayModule, GatewayExplorer),
  ],
})
export class SwitchboardModule {
  /** A wrong option ends the creation of the application with a {@link SettingsError}. */
  static forRoot(options: SwitchboardOptions = {}): DynamicModule {
    return libraryModule(OptionsModule.forRoot(options));
  }

  static forRootAsync(options: SwitchboardAsyncOptions): DynamicModule {
    return libraryModule(OptionsModule.forRootAsync(options));
  }
}

function libraryModule(options: DynamicModule): DynamicModule {
  return { module: SwitchboardModule, imports: [options, NodeModule], providers: [LibraryStart] };
}
