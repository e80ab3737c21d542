import { Global, Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { BroadcastLimit } from './broadcast-limit.js';
import { FastRouter } from './fast-router.js';
import { LocalNode } from './local-node.js';
import { SessionDirectory } from './session-directory.js';
import { RemoteDelivery } from './remote-delivery.js';
import { MessageRouter } from './message-router.js';
import { NoticeLog } from './notice-log.js';
import { SystemRequestHandler } from './system-request-handler.js';
import { Switchboard } from './switchboard.js';

/** Global, because gateways in `handlers/` inject {@link Switchboard} and their modules import nothing for that. */
@Global()
@Module({
  imports: [SessionsModule],
  providers: [
    SessionDirectory,
    NoticeLog,
    RemoteDelivery,
    BroadcastLimit,
    MessageRouter,
    LocalNode,
    FastRouter,
    SystemRequestHandler,
    Switchboard,
  ],
  exports: [
    SessionsModule,
    LocalNode,
    SessionDirectory,
    NoticeLog,
    MessageRouter,
    FastRouter,
    SystemRequestHandler,
    Switchboard,
  ],
})
export class MessagingModule {}
