import { Block } from './block.js';
import { headerBytes, OPCODE, writeHeader, type Frame } from '../frame.js';
import { SESSION_ID_CHARACTERS } from '../identifiers.js';
import type { IdTable } from './id-table.js';
import { COMMA, LITTLE_ENDIAN, QUOTE, TEXT, TEXT_VIEW, TEXT_WORDS, wordOf } from './json-scanner.js';
import type { EnvelopeScanner } from './envelope-scanner.js';

/** `{"sender":"` as 32-bit words, the last of which overlaps the one before. */
const PREFIX_BYTES = 11;
const PREFIX_0 = wordOf('{"se');
const PREFIX_4 = wordOf('nder');
const PREFIX_7 = wordOf('r":"');
/** Bytes before the first property of the client: the prefix, the id, a quote and a comma. */
const STAMP_BYTES = PREFIX_BYTES + SESSION_ID_CHARACTERS + 2;
/** Size up to which a loop copies faster than `TypedArray.set`. */
const LOOP_BYTES = 64;

/** Holds the frame of {@link stampedForCopy}. Longer frames get a buffer of their own. */
const FOR_COPY = new Block(Buffer.allocUnsafeSlow(8192));

/** Returns the bytes of the frame that {@link writeStamped} writes for a message of this length. */
export function stampedBytes(messageLength: number): number {
  const length = STAMP_BYTES + messageLength - 1;
  return headerBytes(length) + length;
}

/**
 * Writes the message in {@link TEXT} as a frame: the bytes of the client with `"sender":"…",` inserted behind the
 * opening brace.
 *
 * @param slot slot of the sender in `ids`
 * @returns the offset behind the frame
 */
export function writeStamped(target: Block, at: number, ids: IdTable, slot: number, scanned: EnvelopeScanner): number {
  const { length } = scanned;
  const { bytes, view } = target;
  at = writeHeader(bytes, at, OPCODE.text, STAMP_BYTES + length - 1);
  view.setInt32(at, PREFIX_0, LITTLE_ENDIAN);
  view.setInt32(at + 4, PREFIX_4, LITTLE_ENDIAN);
  view.setInt32(at + 7, PREFIX_7, LITTLE_ENDIAN);
  ids.write(slot, view, at + PREFIX_BYTES);
  const brace = at + STAMP_BYTES - 1;
  copyText(target, brace, length);
  bytes[brace - 1] = QUOTE;
  bytes[brace] = COMMA; // replaces the opening brace of the client
  return brace + length;
}

/** Encodes the message in {@link TEXT} as {@link writeStamped} does, in memory of its own, so that receivers can share it. */
export function stampedCopy(ids: IdTable, slot: number, scanned: EnvelopeScanner): Frame {
  const block = new Block(Buffer.allocUnsafe(stampedBytes(scanned.length)));
  writeStamped(block, 0, ids, slot, scanned);
  return block.bytes as Frame;
}

/** Encodes the message in {@link TEXT} as {@link writeStamped} does, for callers that copy the frame before the next call. */
export function stampedForCopy(ids: IdTable, slot: number, scanned: EnvelopeScanner): Frame {
  if (stampedBytes(scanned.length) > FOR_COPY.bytes.length) return stampedCopy(ids, slot, scanned);
  return FOR_COPY.bytes.subarray(0, writeStamped(FOR_COPY, 0, ids, slot, scanned)) as Frame;
}

/** Copies the scanned text, at least four bytes, in words of 32 bits. The last word overlaps the previous word. */
function copyText({ bytes, view }: Block, at: number, length: number): void {
  if (length > LOOP_BYTES) {
    bytes.set(new Uint8Array(TEXT.buffer, TEXT.byteOffset, length), at);
    return;
  }
  const words = length >>> 2;
  for (let index = 0; index < words; index++) view.setInt32(at + (index << 2), TEXT_WORDS[index]!, LITTLE_ENDIAN);
  view.setInt32(at + length - 4, TEXT_VIEW.getInt32(length - 4, LITTLE_ENDIAN), LITTLE_ENDIAN);
}
