import { Global, Module } from '@nestjs/common';
import { PresenceNotices } from './presence-notices.js';
import { Presence } from './presence.js';

/** Provides the watches of users. Global, so that the renewal of a token can check them again. */
@Global()
@Module({
  providers: [PresenceNotices, Presence],
  exports: [Presence],
})
export class PresenceModule {}
