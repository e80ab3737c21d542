import { Module } from '@nestjs/common';
import { DashboardController } from './dashboard.controller.js';

/** Serves the page only. The values need no handler, because the HTTP API sends them to every session. */
@Module({ controllers: [DashboardController] })
export class DashboardModule {}
