import { Module } from '@nestjs/common';
import { BlockPool } from './block-pool.js';
import { FlushScheduler } from './flush-scheduler.js';
import { SessionRegistry } from './session-registry.js';
import { SlowConsumers } from './slow-consumers.js';

@Module({ providers: [FlushScheduler, BlockPool, SlowConsumers, SessionRegistry], exports: [SessionRegistry] })
export class SessionsModule {}
