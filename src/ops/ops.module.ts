import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { NodeModule } from '../node/node.module.js';
import { DescriptorWatch } from './health/descriptor-watch.js';
import { Drain } from './shutdown/drain.js';
import { NodeHealth } from './health/node-health.js';
import { Metrics } from './metrics/metrics.js';
import { SessionMetrics } from './metrics/session-metrics.js';

@Module({
  imports: [NodeModule, TerminusModule.forRoot({ logger: false })],
  providers: [DescriptorWatch, Drain, NodeHealth, SessionMetrics, Metrics],
  exports: [SessionMetrics],
})
export class OpsModule {}
