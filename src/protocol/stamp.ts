import { headerBytes, OPCODE, writeHeader } from './frame.js';
import { TEXT } from './json-scanner.js';
import type { EnvelopeScanner } from './scanner.js';

const PREFIX = Buffer.from('{"sender":"');
/** Between the sender and the client's first member. */
const SEPARATOR = Buffer.from('",');
/** Up to this size a loop copies faster than a call into the runtime. */
const LOOP_BYTES = 48;

/** Bytes of the frame that {@link writeStamped} writes for a message of this length. */
export function stampedBytes(senderLength: number, messageLength: number): number {
  const length = stampedLength(senderLength, messageLength);
  return headerBytes(length) + length;
}

/**
 * Writes the message just scanned as a frame for its receiver: the client's own bytes with `"sender":"…",` put in behind
 * the opening brace.
 *
 * @returns the offset behind the frame
 */
export function writeStamped(target: Buffer, at: number, sender: string, found: EnvelopeScanner): number {
  const { length } = found;
  at = writeHeader(target, at, OPCODE.text, stampedLength(sender.length, length));
  for (let index = 0; index < PREFIX.length; index++) target[at++] = PREFIX[index]!;
  for (let index = 0; index < sender.length; index++) target[at++] = sender.charCodeAt(index);
  target[at++] = SEPARATOR[0]!;
  target[at++] = SEPARATOR[1]!;
  if (length > LOOP_BYTES) target.set(TEXT.subarray(1, length), at);
  else for (let index = 1, to = at; index < length; index++) target[to++] = TEXT[index]!;
  return at + length - 1;
}

function stampedLength(senderLength: number, messageLength: number): number {
  return PREFIX.length + senderLength + SEPARATOR.length + messageLength - 1;
}
