import { Module } from '@nestjs/common';
import { CallController } from './call.controller.js';

/** Serves the page only. The messages of a call need no handler, because they have a receiver. */
@Module({ controllers: [CallController] })
export class CallModule {}
