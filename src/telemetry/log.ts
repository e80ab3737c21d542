import type { LoggerService } from '@nestjs/common';
import { LogRateLimiter, WINDOW_MS } from './log-rate-limiter.js';
import type { LogFields, LogLevel, LogSink } from './log-sink.js';
import { StandardOutput } from './standard-output.js';

export type { LogFields } from './log-sink.js';

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];
/** Lines of one kind that are written in one window; the rest is counted only. */
const LINES_PER_KIND = 20;
const DEBUG_LINES_PER_KIND = 1000;
const MAX_KIND_CHARACTERS = 80;

export interface LogOptions {
  /** The lowest level that is written. */
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
}

/**
 * Writes one line per event, to standard output unless another sink is given. Lines of one kind, which is the message, are limited in each window of 10 s; dropped lines
 * are summed up.
 */
export class Log implements LoggerService {
  readonly #maxLevel: number;
  readonly #limiter = new LogRateLimiter(LINES_PER_KIND, (kind, dropped) => this.#sumUp('info', kind, dropped));
  readonly #debugLimiter = new LogRateLimiter(DEBUG_LINES_PER_KIND, (kind, dropped) =>
    this.#sumUp('debug', kind, dropped),
  );

  constructor(
    options: LogOptions,
    private readonly sink: LogSink = new StandardOutput(options.logFormat),
  ) {
    this.#maxLevel = LEVELS.indexOf(options.logLevel);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#write('info', message, fields);
  }

  /** Writes a line of Nest itself, whose `log` is `info`, at `debug`. */
  log(message: unknown, ...parameters: unknown[]): void {
    this.#write('debug', String(message), fieldsOf(parameters));
  }

  debug(message: unknown, ...parameters: unknown[]): void {
    this.#write('debug', String(message), fieldsOf(parameters));
  }

  verbose(message: unknown, ...parameters: unknown[]): void {
    this.#write('debug', String(message), fieldsOf(parameters));
  }

  warn(message: unknown, ...parameters: unknown[]): void {
    this.#write('warn', String(message), fieldsOf(parameters));
  }

  /** Writes an error with its stack. @param error any thrown value */
  error(error: unknown, ...parameters: unknown[]): void {
    this.#write('error', errorText(error), fieldsOf(parameters));
  }

  fatal(error: unknown, ...parameters: unknown[]): void {
    this.error(error, ...parameters);
  }

  /** Whether debug lines are written, for callers whose fields are costly. */
  get debugs(): boolean {
    return this.#maxLevel === LEVELS.indexOf('debug');
  }

  /** Writes the sums of dropped lines. Must be called before the process ends. */
  end(): void {
    this.#limiter.endWindow();
    this.#debugLimiter.endWindow();
  }

  #write(level: LogLevel, message: string, fields: LogFields): void {
    if (LEVELS.indexOf(level) > this.#maxLevel) return;
    const limiter = level === 'debug' ? this.#debugLimiter : this.#limiter;
    if (limiter.allows(kindOf(message, fields))) this.sink.writeLine(level, message, fields);
  }

  #sumUp(level: LogLevel, kind: string, dropped: number): void {
    this.sink.writeLine(level, `and ${dropped.toLocaleString('en')} more in ${WINDOW_MS / 1000} s`, { of: kind });
  }
}

/** Describes any thrown value. A value may have no text, or throw when its text is read. */
function errorText(thrown: unknown): string {
  try {
    // Declared unknown because a stack is a string by convention only.
    const text: unknown = thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown;
    return String(text);
  } catch {
    return 'unprintable value thrown';
  }
}

/** Returns the first line of a message and the code, if any. A stack or a count must not make a kind of its own. */
function kindOf(message: string, { code }: LogFields): string {
  const kind = message.split('\n', 1)[0]!.slice(0, MAX_KIND_CHARACTERS);
  return code === undefined ? kind : `${kind} ${code}`;
}

/**
 * Collects fields from the parameters of Nest's loggers, which end with the context and, for errors, a stack before.
 */
function fieldsOf(parameters: readonly unknown[]): LogFields {
  const fields = parameters.filter((each) => typeof each === 'object' && each !== null) as LogFields[];
  const texts = parameters.filter((each) => typeof each === 'string');
  return {
    ...Object.assign({}, ...fields),
    ...(texts.length > 1 ? { stack: texts[0] } : {}),
    ...(texts.length > 0 ? { from: texts.at(-1) } : {}),
  } as LogFields;
}
