import type { LoggerService } from '@nestjs/common';
import { inspect } from 'node:util';
import type { LogFields, LogLevel, LogSink } from '../telemetry/log-sink.js';

/** A line of the log. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Lines that are kept; the oldest give way to later ones. */
const MAX_LINES = 10_000;

/** Keeps the lines of a log. */
export class TestLog implements LogSink {
  readonly lines: LogLine[] = [];

  /** @param printer writes the lines too */
  constructor(private readonly printer?: LogSink) {}

  writeLine(level: LogLevel, message: string, fields: LogFields): void {
    this.lines.push({ level, message, fields });
    if (this.lines.length > MAX_LINES) this.lines.shift();
    this.printer?.writeLine(level, message, fields);
  }
}

/** The logger of an application whose lines a test keeps. */
export class TestLogger implements LoggerService {
  constructor(private readonly sink: LogSink) {}

  log(message: unknown, ...parameters: unknown[]): void {
    this.#write('info', message, parameters);
  }

  warn(message: unknown, ...parameters: unknown[]): void {
    this.#write('warn', message, parameters);
  }

  error(message: unknown, ...parameters: unknown[]): void {
    this.#write('error', message, parameters);
  }

  fatal(message: unknown, ...parameters: unknown[]): void {
    this.#write('error', message, parameters);
  }

  debug(message: unknown, ...parameters: unknown[]): void {
    this.#write('debug', message, parameters);
  }

  verbose(message: unknown, ...parameters: unknown[]): void {
    this.#write('debug', message, parameters);
  }

  /** @param parameters those of Nest's loggers, of which the last is the context */
  #write(level: LogLevel, message: unknown, parameters: readonly unknown[]): void {
    const from = parameters.at(-1);
    const text = typeof message === 'string' ? message : inspect(message);
    this.sink.writeLine(level, text, typeof from === 'string' ? { from } : {});
  }
}
