import { isSeenFrame, OPCODE } from '../protocol/index.js';

/** The bit of the opcode that control frames have (RFC 6455, 5.2). */
const CONTROL = 0x08;
const OPCODE_BITS = 0x0f;

/** Where a frame is in a run of encoded frames. */
interface FramePlace {
  /** Offset of the first byte of the payload. */
  readonly payloadAt: number;
  /** Offset behind the frame. */
  readonly end: number;
  /** Whether both sides count the frame: a text frame, and not `sys.seen`. */
  readonly isCounted: boolean;
}

/** Reads the header of the unmasked frame at an offset, as the server writes frames. */
export function frameAt(bytes: Buffer, at: number): FramePlace {
  const short = bytes[at + 1]! & 0x7f;
  const payloadAt = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : readLong(bytes, at + 2);
  const opcode = bytes[at]! & OPCODE_BITS;
  const isCounted = (opcode & CONTROL) === 0 && opcode === OPCODE.text && !isSeenFrame(bytes, payloadAt);
  return { payloadAt, end: payloadAt + length, isCounted };
}

function readLong(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
