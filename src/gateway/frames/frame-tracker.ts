import { OPCODE } from '../../protocol/index.js';

const FIN = 0x80;
const MASKED = 0x80;
/** The longest header of a client's frame (RFC 6455, 5.2). */
const MAX_CLIENT_HEADER_BYTES = 14;

/** Bytes of a client's frame header, as far as its second byte tells. */
function clientHeaderBytes(second: number): number {
  const length = second & 0x7f;
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + ((second & MASKED) === 0 ? 0 : 4);
}

/**
 * Follows the frame boundaries in what was left to `ws`, so that the fast lane knows when `ws` stands at the beginning
 * of a message again.
 */
export class FrameTracker {
  /** Whether `ws` found a fault or a close frame: whatever comes behind has no effect. */
  failed = false;
  /** Messages, pings and pongs that have ended: how the deadline of frames knows one from the next. */
  ended = 0;
  /** {@link ended} when a message was last found open, and how often it was since; the business of the deadline. */
  seenOpen = -1;
  looksOpen = 0;
  /** Bytes still to come of the frame that `ws` is reading. */
  #left = 0;
  /** The beginning of a header that was cut. */
  #header: Buffer | undefined;
  /** Whether `ws` waits for the next fragment of a message. */
  #fragmented = false;

  /** Whether the next byte begins a message that `ws` knows nothing of. */
  get atMessage(): boolean {
    return this.#left === 0 && this.#header === undefined && !this.#fragmented && !this.failed;
  }

  /** Whether a message has begun that has yet to end. */
  get open(): boolean {
    return !this.failed && !this.atMessage;
  }

  /** Steps over one frame, or what there is of it, and returns the offset behind it. */
  step(chunk: Buffer, at: number): number {
    if (this.#left === 0) this.#left = this.#begin(chunk, at);
    if (this.#left === 0) return chunk.length;
    const stepped = Math.min(this.#left, chunk.length - at);
    this.#left -= stepped;
    if (this.#left === 0 && !this.#fragmented) this.ended++;
    return at + stepped;
  }

  /** Reads a header and returns how much of its frame is not yet behind us; 0 where the header is cut. */
  #begin(chunk: Buffer, at: number): number {
    const known = this.#header?.length ?? 0;
    const rest = chunk.subarray(at, at + MAX_CLIENT_HEADER_BYTES - known);
    const header = this.#header === undefined ? rest : Buffer.concat([this.#header, rest]);
    const bytes = header.length < 2 ? 2 : clientHeaderBytes(header[1]!);
    if (header.length < bytes) {
      this.#header = Buffer.from(header);
      return 0;
    }
    this.#header = undefined;
    this.#fragment(header[0]!);
    return bytes + bodyBytes(header) - known;
  }

  #fragment(first: number): void {
    const opcode = first & 0x0f;
    if (opcode <= OPCODE.binary) this.#fragmented = (first & FIN) === 0;
  }
}

function bodyBytes(header: Buffer): number {
  const length = header[1]! & 0x7f;
  if (length < 126) return length;
  return length === 126 ? header.readUInt16BE(2) : header.readUInt32BE(2) * 2 ** 32 + header.readUInt32BE(6);
}
