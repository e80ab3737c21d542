import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { SessionsModule } from '../sessions/sessions.module.js';
import { BroadcastLimit } from './broadcast-limit.js';
import { Broadcaster } from './broadcaster.js';
import { ClusterSessions } from './cluster-sessions.js';
import { FastRouter } from './fast-router.js';
import { GroupRoutes } from './group-routes.js';
import { LocalDelivery } from './local-delivery.js';
import { LocalNode } from './local-node.js';
import { MessageAccess } from './message-access.js';
import { SessionDirectory } from './session-directory.js';
import { Recipients } from './recipients.js';
import { RemoteDelivery } from './remote-delivery.js';
import { MessageRouter } from './message-router.js';
import { NoticeLog } from './notice-log.js';
import { RememberedAnswers } from './remembered-answers.js';
import { ReservedTypes } from './reserved-types.js';
import { SystemRequestHandler } from './system-request-handler.js';
import { Switchboard } from './switchboard.js';

/** Provides message routing. Global, so that a handler injects {@link Switchboard} without importing a module. */
@Global()
@Module({
  imports: [DiscoveryModule, SessionsModule],
  providers: [
    SessionDirectory,
    ClusterSessions,
    NoticeLog,
    LocalDelivery,
    RemoteDelivery,
    BroadcastLimit,
    Broadcaster,
    RememberedAnswers,
    ReservedTypes,
    MessageAccess,
    MessageRouter,
    LocalNode,
    GroupRoutes,
    Recipients,
    FastRouter,
    SystemRequestHandler,
    Switchboard,
  ],
  exports: [
    SessionsModule,
    LocalNode,
    GroupRoutes,
    LocalDelivery,
    RemoteDelivery,
    BroadcastLimit,
    SessionDirectory,
    ClusterSessions,
    NoticeLog,
    Broadcaster,
    RememberedAnswers,
    ReservedTypes,
    MessageAccess,
    MessageRouter,
    FastRouter,
    SystemRequestHandler,
    Switchboard,
  ],
})
export class MessagingModule {}
