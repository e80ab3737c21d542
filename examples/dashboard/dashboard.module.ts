import { Module } from '@nestjs/common';
import { DashboardController } from './dashboard.controller.js';

/** No handler: the values come through the HTTP API and go to every session. */
@Module({ controllers: [DashboardController] })
export class DashboardModule {}
