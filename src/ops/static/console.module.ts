import { Module } from '@nestjs/common';
import { Console } from './console-files.js';
import { ConsoleController } from './console.controller.js';

/** The console in the browser; part of the application unless `CONSOLE=off`. */
@Module({ controllers: [ConsoleController], providers: [Console] })
export class ConsoleModule {}
