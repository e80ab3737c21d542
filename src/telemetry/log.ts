import type { LoggerService } from '@nestjs/common';
import { LogRateLimiter, WINDOW_MS } from './log-rate-limiter.js';
import { clipped, printableField, printableJson, printableMessage } from './printable.js';

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
/** Lines of one kind in one window that are written before the rest is only counted. */
const LINES_OF_A_KIND = 20;
const DEBUG_LINES_OF_A_KIND = 1000;
type Level = (typeof LEVELS)[number];

export interface LogForm {
  /** The least serious kind that is written. */
  readonly logLevel: Level;
  readonly logFormat: 'text' | 'json';
}

/** What a line says beside its words: codes, ids and counts, never data or a token. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** A log that cannot be written (a full disk, a closed pipe) must not end what it tells about. */
process.stdout.on('error', () => undefined);

/**
 * One line an event on standard output; JSON where a machine reads it, text where a person does. What comes too often
 * is summed up by its kind, the message.
 */
export class Log implements LoggerService {
  readonly #least: number;
  readonly #format: 'text' | 'json';
  /** Lines that could not be written since the last that could. */
  #lost = 0;
  readonly #logRateLimiter = new LogRateLimiter(LINES_OF_A_KIND, (kind, held) => this.#sumUp('info', kind, held));
  readonly #debugFlood = new LogRateLimiter(DEBUG_LINES_OF_A_KIND, (kind, held) => this.#sumUp('debug', kind, held));

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
    this.#write('error', wordsOf(message), context(parameters));
  }

  fatal(message: unknown, ...parameters: unknown[]): void {
    this.error(message, ...parameters);
  }

  /** Whether debug lines are written, for callers that would have to gather their fields first. */
  get debugs(): boolean {
    return this.#least === LEVELS.indexOf('debug');
  }

  /** Tells what was held back so far: the process ends. */
  end(): void {
    this.#logRateLimiter.turn();
    this.#debugFlood.turn();
  }

  /** At `debug` the operator asked for more, but not for a full disk. */
  #write(level: Level, message: string, fields: LogFields): void {
    if (LEVELS.indexOf(level) > this.#least) return;
    const flood = level === 'debug' ? this.#debugFlood : this.#logRateLimiter;
    if (flood.allows(kindOf(message, fields))) this.#line(level, message, fields);
  }

  #sumUp(level: Level, kind: string, held: number): void {
    this.#line(level, `and ${held.toLocaleString('en')} more in ${WINDOW_MS / 1000} s`, { of: kind });
  }

  #line(level: Level, message: string, fields: LogFields): void {
    this.#put(`${this.#text(level, message, fields)}\n`, 1);
  }

  #text(level: Level, message: string, fields: LogFields): string {
    const time = new Date().toISOString();
    return this.#format === 'json'
      ? printableJson(JSON.stringify({ time, level, message: clipped(message), ...fields }))
      : `${time} ${level.padEnd(5)} ${printableMessage(message)}${pairs(fields)}`;
  }

  /** Counts the lines that could not be written, and tells how many with the first that can be again. */
  #put(text: string, lines: number): void {
    process.stdout.write(text, (error) => {
      if (error) this.#lost += lines;
      else if (this.#lost > 0) this.#tellLost();
    });
  }

  /** Begins with a line's end: what was written last may have been torn. */
  #tellLost(): void {
    const lines = this.#lost;
    this.#lost = 0;
    this.#put(`\n${this.#text('warn', 'lines of the log are lost: it could not be written', { lines })}\n`, lines);
  }
}

/** Anything may be thrown, and be logged then: also what has no words, or throws when it is asked for them. */
function wordsOf(thrown: unknown): string {
  try {
    // Unknown because a stack is text by custom alone.
    const words: unknown = thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown;
    return String(words);
  } catch {
    return 'something was thrown that cannot be told in words';
  }
}

/** The first words, and the code where there is one: a stack or a count must not make a kind of its own. */
function kindOf(message: string, { code }: LogFields): string {
  const [words = ''] = message.split('\n', 1);
  return code === undefined ? words.slice(0, 80) : `${words.slice(0, 80)} ${code}`;
}

/** Nest's loggers add where a line is from as the last text, behind fields and, for errors, a stack. */
function context(parameters: readonly unknown[]): LogFields {
  const fields = parameters.filter((each) => typeof each === 'object' && each !== null) as LogFields[];
  const texts = parameters.filter((each) => typeof each === 'string');
  return {
    ...Object.assign({}, ...fields),
    ...(texts.length > 1 ? { stack: texts[0] } : {}),
    ...(texts.length > 0 ? { from: texts.at(-1) } : {}),
  } as LogFields;
}

function pairs(fields: LogFields): string {
  const text = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${printableField(value)}`)
    .join(' ');
  return text === '' ? '' : `  ${text}`;
}
