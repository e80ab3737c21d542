import type { LoggerService } from '@nestjs/common';
import { LogRateLimiter, WINDOW_MS } from './log-rate-limiter.js';
import { clipped, printableField, printableJson, printableMessage } from './printable.js';

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
/** Lines of one kind that are written in one window; the rest is counted only. */
const LINES_PER_KIND = 20;
const DEBUG_LINES_PER_KIND = 1000;
const MAX_KIND_CHARACTERS = 80;
export type LogLevel = (typeof LEVELS)[number];

export interface LogOptions {
  /** The lowest level that is written. */
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
}

/** Fields of a line: codes, ids and counts, but never the data of a message or a token. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

// Without a listener, a full disk or a closed pipe would end the process.
process.stdout.on('error', () => undefined);

/**
 * Writes one line per event to standard output, as text or JSON. Lines of one kind, which is the message, are limited
 * in each window of 10 s; dropped lines are summed up.
 */
export class Log implements LoggerService {
  readonly #maxLevel: number;
  readonly #format: 'text' | 'json';
  /** Lines that could not be written since the last line that was. */
  #lostLines = 0;
  readonly #limiter = new LogRateLimiter(LINES_PER_KIND, (kind, dropped) => this.#sumUp('info', kind, dropped));
  readonly #debugLimiter = new LogRateLimiter(DEBUG_LINES_PER_KIND, (kind, dropped) =>
    this.#sumUp('debug', kind, dropped),
  );

  constructor({ logLevel, logFormat }: LogOptions) {
    this.#maxLevel = LEVELS.indexOf(logLevel);
    this.#format = logFormat;
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
    if (limiter.allows(kindOf(message, fields))) this.writeLine(level, message, fields);
  }

  #sumUp(level: LogLevel, kind: string, dropped: number): void {
    this.writeLine(level, `and ${dropped.toLocaleString('en')} more in ${WINDOW_MS / 1000} s`, { of: kind });
  }

  /** Writes a line that its level and the limit of its kind allow. Tests keep the line in place of this. */
  protected writeLine(level: LogLevel, message: string, fields: LogFields): void {
    this.#writeText(`${this.#formatted(level, message, fields)}\n`, 1);
  }

  #formatted(level: LogLevel, message: string, fields: LogFields): string {
    const time = new Date().toISOString();
    return this.#format === 'json'
      ? printableJson(JSON.stringify({ time, level, message: clipped(message), ...fields }))
      : `${time} ${level.padEnd(5)} ${printableMessage(message)}${textOf(fields)}`;
  }

  /** @param lines the lines that are lost where the text cannot be written */
  #writeText(text: string, lines: number): void {
    process.stdout.write(text, (error) => {
      if (error) this.#lostLines += lines;
      else if (this.#lostLines > 0) this.#reportLost();
    });
  }

  /** Begins with a line break, because the last line may have been written in part. */
  #reportLost(): void {
    const lines = this.#lostLines;
    this.#lostLines = 0;
    this.#writeText(
      `\n${this.#formatted('warn', 'log lines lost: standard output was not writable', { lines })}\n`,
      lines,
    );
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

function textOf(fields: LogFields): string {
  const text = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${printableField(value)}`)
    .join(' ');
  return text === '' ? '' : `  ${text}`;
}
