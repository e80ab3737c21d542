import { createHash, randomBytes } from 'node:crypto';
import { link, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import {
  headerLine,
  parseHeader,
  parseTrailer,
  sessionLine,
  StateError,
  trailerLine,
  type SessionSnapshot,
  type StateHeader,
} from './state-format.js';

const NAME = 'sessions.state';
/** The end of the names under which the file is written, or read. */
const ASIDE = '~';
/** Only the user of the process may read tokens and messages. */
const MODE = 0o600;
/** Bits of the mode of a file that another user could have written or read. */
const FOR_OTHERS = 0o077;
const CHUNK_BYTES = 1_048_576;
/** Age of a file of a process that was killed while it read or wrote. */
const LEFTOVER_MS = 60_000;
const LINE_FEED = 0x0a;

/** A file that belongs to this process alone, and whose bytes are those that were written. */
export interface TakenState {
  readonly header: StateHeader;
  /** Reads the lines of the sessions, and closes the file. */
  sessionLines(): AsyncGenerator<Buffer>;
}

/**
 * The file by which a process hands its sessions to the next one.
 *
 *   write  .RANDOM~ ──fsync──▶ link to sessions.state ──▶ fsync of the folder
 *   take   sessions.state ──rename──▶ .RANDOM~ ──open, remove──▶ check all ──▶ read
 */
export class StateFile {
  readonly path: string;

  /** @param maxBytes size above which the file is not read */
  constructor(
    private readonly folder: string,
    private readonly maxBytes: number,
  ) {
    this.path = join(folder, NAME);
  }

  /**
   * Writes sessions in pieces, and lets other work run between them. Never replaces the file of another process, unless it
   * is too old to be taken up. Returns the size in bytes.
   *
   * @param maxAgeMs age above which another file is replaced
   * @param deadlineMs when to give up, on the clock of `performance.now()`
   * @throws {StateError} after the deadline, and where another process has saved sessions
   */
  async write(
    header: StateHeader,
    snapshots: Iterable<SessionSnapshot>,
    { maxAgeMs, deadlineMs }: { readonly maxAgeMs: number; readonly deadlineMs: number },
  ): Promise<number> {
    const aside = this.#asideName();
    const handle = await open(aside, 'wx', MODE);
    try {
      const bytes = await writeLines(handle, header, snapshots, deadlineMs);
      await handle.sync();
      await this.#place(aside, maxAgeMs);
      return bytes;
    } finally {
      await handle.close();
      await rm(aside, { force: true });
      await this.#syncFolder();
    }
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

  /** Gives the file its name. Another process that drains at the same moment must not lose its sessions in silence. */
  async #place(aside: string, maxAgeMs: number): Promise<void> {
    try {
      await link(aside, this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const { mtimeMs } = await stat(this.path);
      if (Date.now() - mtimeMs <= maxAgeMs) throw new StateError('another process has saved its sessions there');
      await rename(aside, this.path);
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

async function writeLines(
  handle: FileHandle,
  header: StateHeader,
  snapshots: Iterable<SessionSnapshot>,
  deadlineMs: number,
): Promise<number> {
  const hash = createHash('sha256');
  let bytes = 0;
  let piece: Buffer[] = [];
  let pieceBytes = 0;
  const flush = async (): Promise<void> => {
    const buffer = Buffer.concat(piece);
    [piece, pieceBytes] = [[], 0];
    hash.update(buffer);
    bytes += buffer.length;
    await handle.writeFile(buffer);
  };
  const add = (line: string): void => {
    const buffer = Buffer.from(`${line}\n`);
    piece.push(buffer);
    pieceBytes += buffer.length;
  };
  add(headerLine(header));
  for (const snapshot of snapshots) {
    add(sessionLine(snapshot));
    if (pieceBytes < CHUNK_BYTES) continue;
    await flush();
    if (performance.now() > deadlineMs) throw new StateError('the time of the drain is over');
  }
  await flush();
  const trailer = Buffer.from(`${trailerLine(hash.digest('hex'))}\n`);
  await handle.writeFile(trailer);
  return bytes + trailer.length;
}

/** @throws {StateError} where the bytes are not those that were written */
async function checkHash(handle: FileHandle, header: StateHeader): Promise<void> {
  const hash = createHash('sha256');
  let lines = 0;
  let last: Buffer | undefined;
  for await (const line of linesOf(handle)) {
    if (last !== undefined) hash.update(last).update('\n');
    last = line;
    lines++;
  }
  const sha256 = parseTrailer(last);
  if (sha256 === undefined) throw new StateError('its end is missing');
  if (sha256 !== hash.digest('hex') || lines !== header.sessions + 2) throw new StateError('it is damaged');
}

async function* sessionLinesOf(handle: FileHandle, { sessions }: StateHeader): AsyncGenerator<Buffer> {
  try {
    let index = 0;
    for await (const line of linesOf(handle)) {
      if (index > 0 && index <= sessions) yield line;
      index++;
    }
  } finally {
    await handle.close();
  }
}

/** Reads the lines of a file from its beginning, in pieces. */
async function* linesOf(handle: FileHandle): AsyncGenerator<Buffer, undefined> {
  let parts: Buffer[] = [];
  let position = 0;
  for (;;) {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    let from = 0;
    for (let end; (end = buffer.subarray(0, bytesRead).indexOf(LINE_FEED, from)) >= 0; from = end + 1) {
      yield Buffer.concat([...parts, buffer.subarray(from, end)]);
      parts = [];
    }
    if (from < bytesRead) parts.push(buffer.subarray(from, bytesRead));
  }
  if (parts.length > 0) yield Buffer.concat(parts);
  return undefined;
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
