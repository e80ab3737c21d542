export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Fields of a line: codes, ids and counts, but never the data of a message or a token. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes the lines of a log. */
export interface LogSink {
  writeLine(level: LogLevel, message: string, fields: LogFields): void;
}
