import { Module } from '@nestjs/common';
import { ConsoleController } from './console.controller.js';

/** Serves the console; part of the application unless `CONSOLE=off`. */
@Module({ controllers: [ConsoleController] })
export class ConsoleModule {}
