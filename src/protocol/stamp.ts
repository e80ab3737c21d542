import { endianness } from 'node:os';
import { headerBytes, OPCODE, writeHeader } from './frame.js';

const PREFIX = Buffer.from('{"sender":"');
/** Between the sender and the client's first member. */
const SEPARATOR = Buffer.from('",');
/** Payloads from this size on are unmasked four bytes at a time, where they stand, and then copied by the runtime. */
const WIDE_BYTES = 512;
const LITTLE_ENDIAN = endianness() === 'LE';

/** A message as it stands in the bytes a client sent: where it is and how it is masked. */
export interface RawMessage {
  bytes: Buffer;
  start: number;
  end: number;
  /** Four mask bytes as a little-endian number. */
  mask: number;
}

/** Bytes of the frame that {@link writeStamped} writes for a payload of this length. */
export function stampedBytes(senderLength: number, payloadLength: number): number {
  const length = stampedLength(senderLength, payloadLength);
  return headerBytes(length) + length;
}

/**
 * Writes a client's message as a frame for its receiver: the client's own bytes, unmasked, with `"sender":"…",` put in
 * behind the opening brace. A large payload is unmasked where it stands as well; {@link remask} undoes that.
 *
 * @returns the offset behind the frame
 */
export function writeStamped(target: Buffer, at: number, sender: string, raw: RawMessage): number {
  const { bytes, start, end, mask } = raw;
  at = writeHeader(target, at, OPCODE.text, stampedLength(sender.length, end - start));
  for (let index = 0; index < PREFIX.length; index++) target[at++] = PREFIX[index]!;
  for (let index = 0; index < sender.length; index++) target[at++] = sender.charCodeAt(index);
  target[at++] = SEPARATOR[0]!;
  target[at++] = SEPARATOR[1]!;
  if (!isWide(raw)) return copyUnmasked(target, at, bytes, start, start + 1, end, mask);
  flipMask(raw);
  target.set(bytes.subarray(start + 1, end), at);
  return at + end - start - 1;
}

/** Puts the mask back that {@link writeStamped} took off, for whoever reads the bytes next. */
export function remask(raw: RawMessage): void {
  if (isWide(raw)) flipMask(raw);
}

/** Returns a payload as the client meant it, in a buffer of its own. */
export function unmasked({ bytes, start, end, mask }: RawMessage): Buffer {
  const target = Buffer.allocUnsafe(end - start);
  copyUnmasked(target, 0, bytes, start, start, end, mask);
  return target;
}

/** Reads one byte of a payload as the client meant it. */
export function byteAt({ bytes, start, mask }: RawMessage, at: number): number {
  return (bytes[at]! ^ (mask >>> (((at - start) & 3) << 3))) & 0xff;
}

/** Tells whether `[from, to)` of a payload spells an ASCII text. */
export function spells(raw: RawMessage, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false;
  for (let index = 0; index < text.length; index++)
    if (byteAt(raw, from + index) !== text.charCodeAt(index)) return false;
  return true;
}

/** Reads `[from, to)` of a payload, known to be ASCII. */
export function asciiAt(raw: RawMessage, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at++) text += String.fromCharCode(byteAt(raw, at));
  return text;
}

function isWide({ start, end }: RawMessage): boolean {
  return end - start >= WIDE_BYTES && LITTLE_ENDIAN;
}

function stampedLength(senderLength: number, payloadLength: number): number {
  return PREFIX.length + senderLength + SEPARATOR.length + payloadLength - 1;
}

/** Copies `[from, end)` of a payload that begins at `start`. */
function copyUnmasked(
  target: Buffer,
  at: number,
  bytes: Buffer,
  start: number,
  from: number,
  end: number,
  mask: number,
): number {
  const turned = turn(mask, from - start);
  const first = turned & 0xff;
  const second = (turned >>> 8) & 0xff;
  const third = (turned >>> 16) & 0xff;
  const fourth = turned >>> 24;
  const whole = from + ((end - from) & ~3);
  let index = from;
  for (; index < whole; index += 4, at += 4) {
    target[at] = bytes[index]! ^ first;
    target[at + 1] = bytes[index + 1]! ^ second;
    target[at + 2] = bytes[index + 2]! ^ third;
    target[at + 3] = bytes[index + 3]! ^ fourth;
  }
  for (; index < end; index++) target[at++] = bytes[index]! ^ (turned >>> (((index - from) & 3) << 3));
  return at;
}

/** Takes the mask off where the payload stands, or puts it back. */
function flipMask({ bytes, start, end, mask }: RawMessage): void {
  const misaligned = (4 - ((bytes.byteOffset + start) & 3)) & 3;
  const wideStart = start + misaligned;
  const words = (end - wideStart) >>> 2;
  const wideEnd = wideStart + words * 4;
  for (let index = start; index < wideStart; index++) bytes[index]! ^= mask >>> (((index - start) & 3) << 3);
  const turned = turn(mask, misaligned);
  const view = new Int32Array(bytes.buffer, bytes.byteOffset + wideStart, words);
  for (let index = 0; index < words; index++) view[index]! ^= turned;
  for (let index = wideEnd; index < end; index++) bytes[index]! ^= mask >>> (((index - start) & 3) << 3);
}

/** The mask as seen from `offset` bytes into the payload (RFC 6455, 5.3). */
function turn(mask: number, offset: number): number {
  const bits = (offset & 3) << 3;
  return bits === 0 ? mask : (mask >>> bits) | (mask << (32 - bits));
}
