import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { NodeModule } from '../node/node.module.js';
import { DrainOnClose } from './shutdown/drain-on-close.js';
import { Drain } from './shutdown/drain.js';
import { DrainedSessions } from './shutdown/drained-sessions.js';
import { RunningWork } from './shutdown/running-work.js';
import { NodeHealth } from './health/node-health.js';
import { ClusterMetrics } from './metrics/cluster-metrics.js';
import { Metrics } from './metrics/metrics.js';
import { ProcessMetrics } from './metrics/process-metrics.js';
import { ResumeMetrics } from './metrics/resume-metrics.js';
import { SessionMetrics } from './metrics/session-metrics.js';

@Module({
  imports: [NodeModule, TerminusModule.forRoot({ logger: false })],
  providers: [
    Drain,
    DrainedSessions,
    RunningWork,
    DrainOnClose,
    NodeHealth,
    SessionMetrics,
    ResumeMetrics,
    ProcessMetrics,
    ClusterMetrics,
    Metrics,
  ],
  exports: [DrainOnClose, SessionMetrics],
})
export class OpsModule {}
