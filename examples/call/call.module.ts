import { Module } from '@nestjs/common';
import { CallController } from './call.controller.js';

/** No handler: the messages of a call are routed from one session to the other as they are. */
@Module({ controllers: [CallController] })
export class CallModule {}
