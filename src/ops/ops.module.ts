import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { NodeModule } from '../node/node.module.js';
import { ClientController } from './static/client.controller.js';
import { DescriptorWatch } from './health/descriptor-watch.js';
import { DrainOnClose } from './shutdown/drain-on-close.js';
import { Drain } from './shutdown/drain.js';
import { SignalExit } from './shutdown/signal-exit.js';
import { HealthController } from './health/health.controller.js';
import { Metrics } from './metrics/metrics.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { SessionMetrics } from './metrics/session-metrics.js';

@Module({
  imports: [NodeModule, TerminusModule.forRoot({ logger: false })],
  controllers: [ClientController, HealthController, MetricsController],
  providers: [DescriptorWatch, Drain, DrainOnClose, SessionMetrics, SignalExit, Metrics],
  exports: [SessionMetrics],
})
export class OpsModule {}
