import { Global, Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { DirectRoute } from './direct-route.js';
import { MessageRouter } from './message-router.js';
import { Notices } from './notices.js';
import { ServerWords } from './server-words.js';
import { Switchboard } from './switchboard.js';

/** Global, so that a handler injects {@link Switchboard} without importing anything. */
@Global()
@Module({
  imports: [SessionsModule],
  providers: [Notices, MessageRouter, DirectRoute, ServerWords, Switchboard],
  exports: [SessionsModule, Notices, MessageRouter, DirectRoute, ServerWords, Switchboard],
})
export class MessagingModule {}
