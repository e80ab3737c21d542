import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Log } from './log.js';
import { EventLoopDelay } from './event-loop-delay.js';
import { Counters } from './counters.js';

/**
 * Provides the log and the counters. Global, because the log is made before the container and a static module cannot
 * import what `forRoot()` returns.
 */
@Global()
@Module({})
export class TelemetryModule {
  static forRoot(log: Log): DynamicModule {
    return {
      module: TelemetryModule,
      providers: [{ provide: Log, useValue: log }, Counters, EventLoopDelay],
      exports: [Log, Counters, EventLoopDelay],
    };
  }
}
