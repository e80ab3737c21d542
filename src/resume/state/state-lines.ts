import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import {
  headerLine,
  parseTrailer,
  sessionLine,
  StateError,
  trailerLine,
  type SessionSnapshot,
  type StateHeader,
} from './state-format.js';

/** Bytes that are written or read at once. */
const CHUNK_BYTES = 1_048_576;
const LINE_FEED = 0x0a;

/**
 * Writes all lines in pieces. Returns the size in bytes.
 *
 * @throws {StateError} after the deadline
 */
export async function writeLines(
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
export async function checkHash(handle: FileHandle, header: StateHeader): Promise<void> {
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

/** Reads the lines of the sessions, and closes the file. */
export async function* sessionLinesOf(handle: FileHandle, { sessions }: StateHeader): AsyncGenerator<Buffer> {
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
export async function* linesOf(handle: FileHandle): AsyncGenerator<Buffer, undefined> {
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
