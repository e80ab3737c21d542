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

/** Finds fields, or a stack, among Nest's parameters; where the line is from comes last, if at all. */
function context(parameters: readonly unknown[]): LogFields {
  const last = parameters.at(-1);
  const from = typeof last === 'string' ? { from: last } : {};
  const [first] = parameters;
  if (typeof first === 'object' && first !== null) return { ...(first as LogFields), ...from };
  return { ...(typeof first === 'string' && parameters.length > 1 ? { stack: first } : {}), ...from };
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
