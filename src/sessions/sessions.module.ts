import { Module } from '@nestjs/common';
import { SessionRegistry } from './session-registry.js';
import { SlowConsumers } from './slow-consumers.js';
import { FlushScheduler } from './flush-scheduler.js';

@Module({ providers: [FlushScheduler, SlowConsumers, SessionRegistry], exports: [SessionRegistry] })
export class SessionsModule {}
