import { Logger } from '@nestjs/common';
import type { LogFields, LogLevel, LogSink } from '../telemetry/log-sink.js';
import { printableMessage } from '../telemetry/printable.js';
import { textOf } from '../telemetry/standard-output.js';

const METHODS = { error: 'error', warn: 'warn', info: 'log', debug: 'debug' } as const;

/** Writes the lines of a log to Nest's logger of the application, with the context `Switchboard`. */
export class NestLogSink implements LogSink {
  readonly #logger = new Logger('Switchboard');

  writeLine(level: LogLevel, message: string, fields: LogFields): void {
    this.#logger[METHODS[level]](printableMessage(message) + textOf(fields));
  }
}
