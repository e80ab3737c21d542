import type { LoggerService } from '@nestjs/common';

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
type Level = (typeof LEVELS)[number];

export interface LogForm {
  /** The least serious kind that is written. */
  readonly logLevel: Level;
  readonly logFormat: 'text' | 'json';
}

/** What a line says beside its words: codes, ids and counts, never a payload or a token. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** One line an event on standard output; JSON where a machine reads it, text where a person does. */
export class Log implements LoggerService {
  readonly #least: number;
  readonly #format: 'text' | 'json';

  constructor({ logLevel, logFormat }: LogForm) {
    this.#least = LEVELS.indexOf(logLevel);
    this.#format = logFormat;
  }

  info(message: string, fields: LogFields = {}): void {
    this.#write('info', message, fields);
  }

  /** Nest's own lines come here: its word for `info` is `log`, and its last parameter is where the line is from. */
  log(message: unknown, ...parameters: unknown[]): void {
    this.#write('debug', String(message), context(parameters));
  }

  debug(message: unknown, ...parameters: unknown[]): void {
    this.#write('debug', String(message), context(parameters));
  }

  verbose(message: unknown, ...parameters: unknown[]): void {
    this.#write('debug', String(message), context(parameters));
  }

  warn(message: unknown, ...parameters: unknown[]): void {
    this.#write('warn', String(message), context(parameters));
  }

  error(message: unknown, ...parameters: unknown[]): void {
    const text = message instanceof Error ? (message.stack ?? message.message) : String(message);
    this.#write('error', text, context(parameters));
  }

  fatal(message: unknown, ...parameters: unknown[]): void {
    this.error(message, ...parameters);
  }

  #write(level: Level, message: string, fields: LogFields): void {
    if (LEVELS.indexOf(level) > this.#least) return;
    const time = new Date().toISOString();
    const line =
      this.#format === 'json'
        ? JSON.stringify({ time, level, message, ...fields })
        : `${time} ${level.padEnd(5)} ${message}${pairs(fields)}`;
    process.stdout.write(`${line}\n`);
  }
}

function context(parameters: readonly unknown[]): LogFields {
  const last = parameters.at(-1);
  if (typeof last === 'object' && last !== null) return last as LogFields;
  const [stack] = parameters.length > 1 ? parameters : [];
  return {
    ...(typeof stack === 'string' ? { stack } : {}),
    ...(typeof last === 'string' ? { from: last } : {}),
  };
}

function pairs(fields: LogFields): string {
  const text = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) => `${name}=${typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : value}`,
    )
    .join(' ');
  return text === '' ? '' : `  ${text}`;
}
