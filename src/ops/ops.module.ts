import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ClientController } from './client.controller.js';
import { DescriptorWatch } from './descriptor-watch.js';
import { Drain } from './drain.js';
import { HealthController } from './health.controller.js';
import { Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';
import { SessionRecord } from './session-record.js';

@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [ClientController, HealthController, MetricsController],
  providers: [DescriptorWatch, Drain, SessionRecord, Metrics],
  exports: [SessionRecord],
})
export class OpsModule {}
