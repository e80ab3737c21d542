import { ConfigurableModuleBuilder, Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { GatewayPolicy } from '../gateway/nest/gateway-policy.js';
import { settingsOfLibrary } from '../settings/environment.js';
import type { SwitchboardOptions } from '../settings/library-options.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import { NestLogSink } from './nest-log-sink.js';
import { checkFiles } from './settings-files.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<SwitchboardOptions>()
  .setClassMethodName('forRoot')
  .build();

/**
 * Makes settings, log and gateway policy of the options. Global, because the modules of Switchboard are static and cannot
 * import what `forRoot()` returns.
 */
@Global()
@Module({
  providers: [
    { provide: Settings, inject: [MODULE_OPTIONS_TOKEN], useFactory: checkedSettings },
    { provide: Log, inject: [Settings], useFactory: (settings: Settings) => new Log(settings, new NestLogSink()) },
    { provide: GatewayPolicy, inject: [MODULE_OPTIONS_TOKEN], useFactory: gatewayPolicy },
  ],
  exports: [Settings, Log, GatewayPolicy],
})
export class OptionsModule extends ConfigurableModuleClass implements OnApplicationShutdown {
  constructor(private readonly log: Log) {
    super();
  }

  onApplicationShutdown(): void {
    this.log.end();
  }
}

function checkedSettings(options: SwitchboardOptions): Settings {
  const settings = settingsOfLibrary(options);
  checkFiles(settings);
  return settings;
}

function gatewayPolicy({ inheritAppConfig = false }: SwitchboardOptions): GatewayPolicy {
  return new GatewayPolicy({ inheritAppConfig, plainGateways: 'foreign' });
}
