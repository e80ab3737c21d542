import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';

/** One line of a group's conversation. */
export interface Line {
  readonly group: string;
  readonly from: string;
  readonly text: string;
  /** Unix time. */
  readonly atMs: number;
}

/** Where the history lives, and how much of it is kept. */
export abstract class HistoryPlace {
  abstract readonly file: string;
  /** Lines kept in all; the oldest are forgotten first. */
  abstract readonly maxLines: number;
}

/**
 * The last lines of all groups, in memory and in one file of JSON lines, which is written behind and synced before
 * {@link add} resolves: who is told that a line was taken will find it again after a power cut. Lines that wait for the
 * same sync share it. A file twice as long as what is kept is written anew and put in place of the old.
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

  constructor(private readonly place: HistoryPlace) {
    const { lines, broken } = read(place.file);
    this.#lines = lines.slice(-place.maxLines);
    this.#fileLines = lines.length + broken;
    if (broken > 0) this.#logger.warn(`passed over ${broken} lines that were not written to their end`);
  }

  /** Remembers a line; resolves once it is on the disk. */
  add(serverConnection: Line): Promise<void> {
    this.#lines.push(serverConnection);
    if (this.#lines.length > this.place.maxLines) this.#lines.shift();
    this.#unwritten.push(serverConnection);
    // One write may be under way and one may wait, which takes along all lines that come meanwhile.
    return (this.#next ??= this.#work = this.#work.catch(() => undefined).then(() => this.#write()));
  }

  /** The last lines of a group, the oldest first. */
  last(group: string, count: number): Line[] {
    return this.#lines.filter((line) => line.group === group).slice(-count);
  }

  /** Ends what is being written. */
  async onModuleDestroy(): Promise<void> {
    await this.#work.catch(() => undefined);
    await this.#file?.close();
  }

  async #write(): Promise<void> {
    this.#next = undefined;
    const lines = this.#unwritten;
    this.#unwritten = [];
    if (this.#fileLines + lines.length > this.place.maxLines * 2) return this.#rewrite();
    // A line that a crash cut short must not swallow the next one.
    this.#file ??= await open(this.place.file, 'a', 0o600);
    const cutShort = this.#fileLines > 0 ? '\n' : '';
    await this.#file.appendFile(cutShort + lines.map((line) => JSON.stringify(line)).join('\n'));
    await this.#file.datasync();
    this.#fileLines += lines.length;
  }

  /** Writes what is kept beside the old file, and only when that is on the disk takes its name. */
  async #rewrite(): Promise<void> {
    const lines = [...this.#lines];
    const file = await open(`${this.place.file}.new`, 'w', 0o600);
    await file.writeFile(lines.map((line) => JSON.stringify(line)).join('\n'));
    await file.sync();
    await rename(`${this.place.file}.new`, this.place.file);
    await this.#file?.close();
    this.#file = file;
    this.#fileLines = lines.length;
  }
}

/** Reads the file, if there is one; a line that a crash cut short is passed over. */
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
