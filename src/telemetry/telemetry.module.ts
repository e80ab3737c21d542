import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Log } from './log.js';
import { LoopDelay } from './loop-delay.js';
import { Telemetry } from './telemetry.js';

/** Makes the one log and the one set of counters injectable everywhere. */
@Global()
@Module({})
export class TelemetryModule {
  static with(log: Log): DynamicModule {
    return {
      module: TelemetryModule,
      providers: [{ provide: Log, useValue: log }, Telemetry, LoopDelay],
      exports: [Log, Telemetry, LoopDelay],
    };
  }
}
