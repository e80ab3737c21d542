import { Log, type LogFields, type LogLevel, type LogOptions } from '../telemetry/log.js';

/** A line of the log. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Lines that are kept; the oldest give way to later ones. */
const MAX_LINES = 10_000;

/** Keeps the lines of the log in place of printing them. */
export class TestLog extends Log {
  readonly lines: LogLine[] = [];

  constructor(
    options: LogOptions,
    private readonly output: 'kept' | 'printed',
  ) {
    super(options);
  }

  /** Returns the messages of all lines, in order. */
  get messages(): string[] {
    return this.lines.map(({ message }) => message);
  }

  protected override writeLine(level: LogLevel, message: string, fields: LogFields): void {
    this.lines.push({ level, message, fields });
    if (this.lines.length > MAX_LINES) this.lines.shift();
    if (this.output === 'printed') super.writeLine(level, message, fields);
  }
}
