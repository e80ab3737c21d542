import { Module } from '@nestjs/common';
import { NodeModule } from '../node/node.module.js';
import { BlockPool } from './block-pool.js';
import { FlushScheduler } from './flush-scheduler.js';
import { SessionRegistry } from './session-registry.js';
import { SlowConsumers } from './slow-consumers.js';

@Module({
  imports: [NodeModule],
  providers: [FlushScheduler, BlockPool, SlowConsumers, SessionRegistry],
  exports: [BlockPool, SessionRegistry, SlowConsumers],
})
export class SessionsModule {}
