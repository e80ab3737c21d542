import { Global, Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { DirectRoute } from './direct-route.js';
import { Elsewhere } from './elsewhere.js';
import { Everyone } from './everyone.js';
import { Handover } from './handover.js';
import { MessageRouter } from './message-router.js';
import { Notices } from './notices.js';
import { ServerWords } from './server-words.js';
import { Switchboard } from './switchboard.js';

/** Global, so that a handler injects {@link Switchboard} without importing anything. */
@Global()
@Module({
  imports: [SessionsModule],
  providers: [Everyone, Notices, Handover, MessageRouter, Elsewhere, DirectRoute, ServerWords, Switchboard],
  exports: [SessionsModule, Elsewhere, Everyone, Notices, MessageRouter, DirectRoute, ServerWords, Switchboard],
})
export class MessagingModule {}
