import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { NodeModule } from '../node/node.module.js';
import { DescriptorWatch } from './health/descriptor-watch.js';
import { DrainOnClose } from './shutdown/drain-on-close.js';
import { Drain } from './shutdown/drain.js';
import { SignalExit } from './shutdown/signal-exit.js';
import { NodeHealth } from './health/node-health.js';
import { Metrics } from './metrics/metrics.js';
import { SessionMetrics } from './metrics/session-metrics.js';

@Module({
  imports: [NodeModule, TerminusModule.forRoot({ logger: false })],
  providers: [DescriptorWatch, Drain, DrainOnClose, NodeHealth, SessionMetrics, SignalExit, Metrics],
  exports: [SessionMetrics],
})
export class OpsModule {}
