import type { LogFields, LogLevel, LogSink } from './log-sink.js';
import { clipped, printableField, printableJson, printableMessage } from './printable.js';

/** Ignores errors of standard output. Without a listener, a full disk or a closed pipe would end the process. */
const IGNORE = (): void => undefined;

/** Writes the lines of a log to standard output, as text or JSON. */
export class StandardOutput implements LogSink {
  /** Lines that could not be written since the last line that was. */
  #lostLines = 0;

  constructor(private readonly format: 'text' | 'json') {
    if (!process.stdout.listeners('error').includes(IGNORE)) process.stdout.on('error', IGNORE);
  }

  writeLine(level: LogLevel, message: string, fields: LogFields): void {
    this.#writeText(`${this.#formatted(level, message, fields)}\n`, 1);
  }

  #formatted(level: LogLevel, message: string, fields: LogFields): string {
    const time = new Date().toISOString();
    return this.format === 'json'
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

/** Writes the fields of a text line behind two spaces; an empty string where there are none. */
export function textOf(fields: LogFields): string {
  const text = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${printableField(value)}`)
    .join(' ');
  return text === '' ? '' : `  ${text}`;
}
