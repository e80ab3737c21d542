import { Global, Module } from '@nestjs/common';
import { EventLoopDelay } from './event-loop-delay.js';
import { Counters } from './counters.js';

/** Provides the counters. Global, because every room counts. */
@Global()
@Module({
  providers: [Counters, { provide: EventLoopDelay, useFactory: () => new EventLoopDelay() }],
  exports: [Counters, EventLoopDelay],
})
export class TelemetryModule {}
