import {
  ConfigurableModuleBuilder,
  Global,
  Inject,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { GatewayPolicy } from '../gateway/nest/gateway-policy.js';
import { settingsOfLibrary, unknownOfLibrary } from '../settings/environment.js';
import type { SwitchboardOptions } from '../settings/library-options.js';
import { Settings } from '../settings/settings.js';
import { Log } from '../telemetry/log.js';
import { NestLogSink } from './nest-log-sink.js';
import { checkFiles } from './settings-files.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<SwitchboardOptions>()
  .setClassMethodName('forRoot')
  .build();

/** Provided where a module of the application calls `forRoot()`. */
export const HAS_OPTIONS = Symbol('whether SwitchboardModule has options');

/**
 * Makes settings, log and gateway policy of the options. Global, because the modules of Switchboard are static and cannot
 * import what `forRoot()` returns.
 */
@Global()
@Module({
  providers: [
    { provide: HAS_OPTIONS, useValue: true },
    { provide: Settings, inject: [MODULE_OPTIONS_TOKEN], useFactory: checkedSettings },
    { provide: Log, inject: [Settings], useFactory: (settings: Settings) => new Log(settings, new NestLogSink()) },
    { provide: GatewayPolicy, inject: [MODULE_OPTIONS_TOKEN, Settings], useFactory: gatewayPolicy },
  ],
  exports: [HAS_OPTIONS, Settings, Log, GatewayPolicy],
})
export class OptionsModule extends ConfigurableModuleClass implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly log: Log,
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: SwitchboardOptions,
  ) {
    super();
  }

  onModuleInit(): void {
    for (const line of unknownOfLibrary(this.options)) this.log.warn(line);
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

/** Runs after the options are checked, because Nest creates the settings before. */
function gatewayPolicy({ inheritAppConfig = false }: SwitchboardOptions): GatewayPolicy {
  return new GatewayPolicy({ inheritAppConfig, plainGateways: 'foreign' });
}
