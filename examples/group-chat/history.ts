import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';

/** One line of the conversation in a room. */
export interface Line {
  readonly room: string;
  /** The user, or the session of a client without a token. */
  readonly from: string;
  readonly text: string;
  /** Unix time in milliseconds. */
  readonly atMs: number;
}

/** Configures the file of the history and its size. */
export abstract class HistoryOptions {
  abstract readonly file: string;
  /** Lines kept for all rooms together; the oldest are dropped first. */
  abstract readonly maxLines: number;
}

/**
 * Keeps the last lines of all rooms in memory and in one file of JSON lines. {@link add} resolves after the line is
 * synced, so that an acknowledged line survives a power cut. Lines that arrive during a sync share the next one. The file
 * is rewritten when it has twice as many lines as are kept.
 */
@Injectable()
export class History implements OnModuleDestroy {
  readonly #lines: Line[];
  #fileLines: number;
  #unwritten: Line[] = [];
  #file: FileHandle | undefined;
  #work: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  readonly #logger = new Logger(History.name);

  constructor(private readonly options: HistoryOptions) {
    const { lines, broken } = read(options.file);
    this.#lines = lines.slice(-options.maxLines);
    this.#fileLines = lines.length + broken;
    if (broken > 0) this.#logger.warn(`skipped ${broken} incomplete lines of ${options.file}`);
  }

  /** Adds a line; resolves once the line is on the disk. */
  add(line: Line): Promise<void> {
    this.#lines.push(line);
    if (this.#lines.length > this.options.maxLines) this.#lines.shift();
    this.#unwritten.push(line);
    // At most one write runs and one waits. The waiting write takes all lines that are added until it starts.
    return (this.#next ??= this.#work = this.#work.catch(() => undefined).then(() => this.#write()));
  }

  /** Returns the last lines of a room, the oldest first. */
  last(room: string, count: number): Line[] {
    return this.#lines.filter((line) => line.room === room).slice(-count);
  }

  /** Waits for the running write and closes the file. */
  async onModuleDestroy(): Promise<void> {
    await this.#work.catch(() => undefined);
    await this.#file?.close();
  }

  async #write(): Promise<void> {
    this.#next = undefined;
    const lines = this.#unwritten;
    this.#unwritten = [];
    if (this.#fileLines + lines.length > this.options.maxLines * 2) return this.#rewrite();
    // Starts on a new line, because a crash may have left the last line incomplete.
    this.#file ??= await open(this.options.file, 'a', 0o600);
    const separator = this.#fileLines > 0 ? '\n' : '';
    await this.#file.appendFile(separator + lines.map((line) => JSON.stringify(line)).join('\n'));
    await this.#file.datasync();
    this.#fileLines += lines.length;
  }

  /** Writes the kept lines to a new file, syncs it and renames it over the old one. */
  async #rewrite(): Promise<void> {
    const lines = [...this.#lines];
    const file = await open(`${this.options.file}.new`, 'w', 0o600);
    await file.writeFile(lines.map((line) => JSON.stringify(line)).join('\n'));
    await file.sync();
    await rename(`${this.options.file}.new`, this.options.file);
    await this.#file?.close();
    this.#file = file;
    this.#fileLines = lines.length;
  }
}

/** Reads the file, if there is one. Skips incomplete lines and counts them. */
function read(file: string): { lines: Line[]; broken: number } {
  const lines: Line[] = [];
  let broken = 0;
  for (const text of textOf(file).split('\n').filter(Boolean))
    try {
      lines.push(JSON.parse(text) as Line);
    } catch {
      broken++;
    }
  return { lines, broken };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
