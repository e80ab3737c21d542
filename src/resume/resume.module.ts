import { Global, Module } from '@nestjs/common';
import { LocalNode } from '../messaging/local-node.js';
import { NodeState } from '../node/node-state.js';
import { NodeModule } from '../node/node.module.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { AwayNotices } from './away-notices.js';
import { AwaySessions } from './away-sessions.js';
import { EndedSessions } from './ended-sessions.js';
import { ReplayBudget } from './replay-budget.js';
import { Resumptions } from './resumptions.js';
import { SeenReports } from './seen-reports.js';
import { RestoredSessions } from './state/restored-sessions.js';
import { SessionFile } from './state/session-file.js';
import { SessionHandover } from './state/session-handover.js';
import { SessionRestore } from './state/session-restore.js';
import { UndeliveredReports } from './undelivered.js';

/** Provides sessions that outlive their connections. Global, because the gateway and the operators' endpoints use it. */
@Global()
@Module({
  imports: [NodeModule],
  providers: [
    ReplayBudget,
    AwaySessions,
    AwayNotices,
    EndedSessions,
    SeenReports,
    Resumptions,
    UndeliveredReports,
    SessionFile,
    SessionHandover,
    RestoredSessions,
    SessionRestore,
  ],
  exports: [AwaySessions, ReplayBudget, Resumptions, SessionHandover],
})
export class ResumeModule {
  constructor(
    localNode: LocalNode,
    nodeState: NodeState,
    sessions: SessionRegistry,
    awayNotices: AwayNotices,
    restore: SessionRestore,
  ) {
    nodeState.onDraining(() => awayNotices.drain());
    sessions.parts.add('notified', awayNotices);
    localNode.beforeStart(() => restore.run());
  }
}
