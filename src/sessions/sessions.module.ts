import { Module } from '@nestjs/common';
import { SessionRegistry } from './session-registry.js';
import { SlowConsumers } from './slow-consumers.js';
import { Turn } from './turn.js';

@Module({ providers: [Turn, SlowConsumers, SessionRegistry], exports: [SessionRegistry] })
export class SessionsModule {}
