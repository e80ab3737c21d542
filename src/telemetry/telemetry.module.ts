import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Log } from './log.js';
import { EventLoopDelay } from './event-loop-delay.js';
import { Counters } from './counters.js';

/** Makes the one log and the one set of counters injectable everywhere. */
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
