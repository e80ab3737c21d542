import { Global, Module } from '@nestjs/common';
import { AwayNotices } from './away-notices.js';
import { AwaySessions } from './away-sessions.js';
import { EndedSessions } from './ended-sessions.js';
import { ReplayBudget } from './replay-budget.js';
import { Resumptions } from './resumptions.js';
import { SeenReports } from './seen-reports.js';
import { UndeliveredReports } from './undelivered.js';

/** Provides sessions that outlive their connections. Global, because the gateway and the operators' endpoints use it. */
@Global()
@Module({
  providers: [ReplayBudget, AwaySessions, AwayNotices, EndedSessions, SeenReports, Resumptions, UndeliveredReports],
  exports: [AwaySessions, ReplayBudget, Resumptions],
})
export class ResumeModule {}
