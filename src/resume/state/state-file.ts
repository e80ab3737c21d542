import { randomBytes } from 'node:crypto';
import { link, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { parseHeader, StateError, type SessionSnapshot, type StateHeader } from './state-format.js';
import { checkHash, linesOf, sessionLinesOf, writeLines } from './state-lines.js';

const NAME = 'sessions.state';
/** The end of the names under which the file is written, or read. */
const ASIDE = '~';
/** Only the user of the process may read tokens and messages. */
const MODE = 0o600;
/** Bits of the mode of a file that another user could have written or read. */
const FOR_OTHERS = 0o077;
/** Age of a file of a process that was killed while it read or wrote. */
const LEFTOVER_MS = 60_000;
/** Errors of file systems without hard links, such as SMB and exFAT. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** Operations on the names of files, which a test replaces. */
export type FileNames = Pick<typeof import('node:fs/promises'), 'link' | 'rm'>;

/** A file that belongs to this process alone, and whose bytes are those that were written. */
export interface TakenState {
  readonly header: StateHeader;
  /** Reads the lines of the sessions, and closes the file. */
  sessionLines(): AsyncGenerator<Buffer>;
}

/** See {@link StateFile.write}. */
interface WriteOptions {
  readonly maxAgeMs: number;
  readonly deadlineMs: number;
  readonly onLeftover: (error: Error) => void;
}

/**
 * The file by which a process hands its sessions to the next one.
 *
 *   write  .RANDOM~ ──fsync──▶ link to sessions.state, or rename ──▶ fsync of the folder
 *   take   sessions.state ──rename──▶ .RANDOM~ ──open, remove──▶ check all ──▶ read
 */
export class StateFile {
  readonly path: string;

  /** @param maxBytes size above which the file is not read */
  constructor(
    private readonly folder: string,
    private readonly maxBytes: number,
    private readonly names: FileNames = { link, rm },
  ) {
    this.path = join(folder, NAME);
  }

  /**
   * Writes sessions in pieces, and lets other work run between them. Never replaces the file of another process, unless it
   * is too old to be taken up. Returns the size in bytes.
   *
   * @param maxAgeMs age above which another file is replaced
   * @param deadlineMs when to give up, on the clock of `performance.now()`
   * @param onLeftover called with the error where the file has its name, and another name of the file could not be removed
   * @throws {StateError} after the deadline, and where another process has saved sessions
   */
  async write(
    header: StateHeader,
    snapshots: Iterable<SessionSnapshot>,
    { maxAgeMs, deadlineMs, onLeftover }: WriteOptions,
  ): Promise<number> {
    const aside = this.#asideName();
    const handle = await open(aside, 'wx', MODE);
    let bytes: number;
    try {
      bytes = await writeLines(handle, header, snapshots, deadlineMs);
      await handle.sync();
      await this.#place(aside, maxAgeMs);
    } catch (error) {
      await this.#cleanUp(handle, aside).catch(() => undefined); // the first error is the reason
      throw error;
    }
    // The next process reads the file from now on, so no later error may end the sessions.
    await this.#cleanUp(handle, aside).catch((error: unknown) => onLeftover(error as Error));
    return bytes;
  }

  /**
   * Takes the file, so that no other process and no later start gets it, and checks all of it.
   *
   * @param maxAgeMs age above which the file is refused
   * @returns `undefined` where there is no file
   * @throws {StateError} for a file that is old, damaged, too large, of another version or of another user
   */
  async take(maxAgeMs: number): Promise<TakenState | undefined> {
    await this.#removeLeftovers();
    const aside = this.#asideName();
    if (!(await renamed(this.path, aside))) return undefined;
    let handle: FileHandle;
    try {
      handle = await open(aside);
    } finally {
      await rm(aside, { force: true });
      await this.#syncFolder(); // a power cut must not bring the file back
    }
    try {
      const header = await this.#check(handle, maxAgeMs);
      return { header, sessionLines: () => sessionLinesOf(handle, header) };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #check(handle: FileHandle, maxAgeMs: number): Promise<StateHeader> {
    const { size, mode, uid } = await handle.stat();
    const ownUid = process.getuid?.(); // `undefined` on Windows, where files have no such mode
    if (ownUid !== undefined && (uid !== ownUid || (mode & FOR_OTHERS) !== 0))
      throw new StateError('another user may have written it');
    if (size > this.maxBytes) throw new StateError(`it has ${size} bytes, at most ${this.maxBytes} are read`);
    const header = parseHeader((await linesOf(handle).next()).value ?? undefined);
    const ageMs = Date.now() - header.savedAtMs;
    // A clock that was set back makes the age negative, and says nothing about the real one.
    if (Math.abs(ageMs) > maxAgeMs)
      throw new StateError(`it was saved ${ageMs} ms ago, at most ${maxAgeMs} ms are allowed`);
    await checkHash(handle, header);
    return header;
  }

  /**
   * Gives the file its name. Another process that drains at the same moment must not lose its sessions in silence. Without
   * hard links the file is renamed, which leaves a moment between the check and the new name.
   */
  async #place(aside: string, maxAgeMs: number): Promise<void> {
    try {
      return await this.names.link(aside, this.path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST' && !NO_LINKS.has(code)) throw error;
    }
    const mtimeMs = await modifiedMs(this.path);
    if (mtimeMs !== undefined && Date.now() - mtimeMs <= maxAgeMs)
      throw new StateError('another process has saved its sessions there');
    await rename(aside, this.path);
  }

  async #cleanUp(handle: FileHandle, aside: string): Promise<void> {
    try {
      await handle.close();
    } finally {
      await this.names.rm(aside, { force: true });
      await this.#syncFolder();
    }
  }

  #asideName(): string {
    return join(this.folder, `.${randomBytes(6).toString('base64url')}${ASIDE}`);
  }

  async #removeLeftovers(): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => name.startsWith('.') && name.endsWith(ASIDE));
    for (const name of names) {
      const path = join(this.folder, name);
      const { mtimeMs = Infinity } = await stat(path).catch(() => ({ mtimeMs: undefined }));
      if (Date.now() - mtimeMs > LEFTOVER_MS) await rm(path, { force: true });
    }
  }

  /** Writes the names in the folder to the disk. Some file systems have no such operation. */
  async #syncFolder(): Promise<void> {
    const folder = await open(this.folder).catch(() => undefined);
    await folder?.sync().catch(() => undefined);
    await folder?.close();
  }
}

/** Returns when a file was written; `undefined` for a missing one. */
async function modifiedMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Renames a file; returns `false` for a missing one. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
