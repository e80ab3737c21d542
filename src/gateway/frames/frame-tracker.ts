import { BYTES_PER_FRAGMENT, FREE_FRAGMENTS, OPCODE } from '../../protocol/index.js';

const FIN = 0x80;
const MASKED = 0x80;
/** The longest header of a client's frame (RFC 6455, 5.2). */
const MAX_CLIENT_HEADER_BYTES = 14;

/** Returns the bytes of a client's frame header, computed from its second byte. */
function clientHeaderBytes(second: number): number {
  const length = second & 0x7f;
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + ((second & MASKED) === 0 ? 0 : 4);
}

/** Tracks frame boundaries in the bytes that `ws` reads, so that the fast frame reader finds the next message. */
export class FrameTracker {
  /**
   * Whether `ws` found an invalid frame or a close frame: later frames have no effect. Set by `FastFrameReader` and by
   * the error listener of `SocketEvents`.
   */
  failed = false;
  /** Whether `ws` reads every frame, because the application listens for messages. Written by `GatewaySocket`. */
  wsOnly = false;
  /** Whether the message has more small fragments than its bytes allow. Written by {@link step}. */
  overFragmented = false;
  /** Frames that were parts of messages. Written by {@link step}. */
  fragmentFrames = 0;
  /** Messages, pings and pongs that have ended. Written by {@link step}. */
  endedMessages = 0;
  /** Bytes of messages so far, without pings and pongs. Written by {@link step}. */
  messageBytes = 0;
  /** {@link endedMessages} when the open message last made enough progress. Written by `MessageTimeout`. */
  messageAtTick = -1;
  /** {@link messageBytes} at that moment. Written by `MessageTimeout`. */
  bytesAtTick = 0;
  /** Ticks since that moment. Written by `MessageTimeout`. */
  ticksOpen = 0;
  /** Bytes still to come of the frame that `ws` is reading. */
  #left = 0;
  /** The first bytes of an incomplete header. */
  #header: Buffer | undefined;
  /** Whether `ws` waits for the next fragment of a message. */
  #fragmented = false;
  /** Whether `ws` reads a ping, a pong or a close frame. */
  #isControl = false;
  /** Fragments of the open message, and the bytes that their headers announce. */
  #fragments = 0;
  #announcedBytes = 0;

  /** Whether the next byte begins a message. */
  get atMessage(): boolean {
    return this.#left === 0 && this.#header === undefined && !this.#fragmented && !this.failed;
  }

  /** Whether a message has begun and not ended. */
  get open(): boolean {
    return !this.failed && !this.atMessage;
  }

  /** Skips one frame, or the part of it in the chunk, which ends at `chunkEnd`. Returns the offset behind it. */
  step(chunk: Buffer, at: number, chunkEnd: number): number {
    if (this.#left === 0) this.#left = this.#begin(chunk, at, chunkEnd);
    if (this.#left === 0) return chunkEnd;
    const stepped = Math.min(this.#left, chunkEnd - at);
    this.#left -= stepped;
    if (!this.#isControl) this.messageBytes += stepped;
    if (this.#left === 0 && !this.#fragmented) this.endedMessages++;
    return at + stepped;
  }

  /** Reads a header and returns the bytes of its frame from `at` on; 0 where the header is incomplete. */
  #begin(chunk: Buffer, at: number, chunkEnd: number): number {
    const headBytes = this.#header?.length ?? 0;
    const rest = chunk.subarray(at, Math.min(chunkEnd, at + MAX_CLIENT_HEADER_BYTES - headBytes));
    const header = this.#header === undefined ? rest : Buffer.concat([this.#header, rest]);
    const bytes = header.length < 2 ? 2 : clientHeaderBytes(header[1]!);
    if (header.length < bytes) {
      this.#header = Buffer.from(header);
      return 0;
    }
    this.#header = undefined;
    const body = bodyBytes(header);
    this.#noteFragment(header[0]!, body);
    return bytes + body - headBytes;
  }

  #noteFragment(first: number, bytes: number): void {
    const opcode = first & 0x0f;
    this.#isControl = opcode > OPCODE.binary;
    if (this.#isControl) return;
    if (this.#fragmented || (first & FIN) === 0) this.fragmentFrames++;
    if (!this.#fragmented) this.#fragments = this.#announcedBytes = 0;
    const furtherFragments = ++this.#fragments - FREE_FRAGMENTS;
    if (furtherFragments > 0 && this.#announcedBytes <= furtherFragments * BYTES_PER_FRAGMENT)
      this.overFragmented = true;
    this.#announcedBytes += bytes;
    this.#fragmented = (first & FIN) === 0;
  }
}

function bodyBytes(header: Buffer): number {
  const length = header[1]! & 0x7f;
  if (length < 126) return length;
  return length === 126 ? header.readUInt16BE(2) : header.readUInt32BE(2) * 2 ** 32 + header.readUInt32BE(6);
}
