import { Module } from '@nestjs/common';
import { NodeModule } from '../node/node.module.js';
import { SessionRegistry } from './session-registry.js';
import { SlowConsumers } from './slow-consumers.js';
import { FlushScheduler } from './flush-scheduler.js';

@Module({
  imports: [NodeModule],
  providers: [FlushScheduler, SlowConsumers, SessionRegistry],
  exports: [SessionRegistry],
})
export class SessionsModule {}
