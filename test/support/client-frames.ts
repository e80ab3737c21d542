import { OPCODE } from '../../src/protocol/index.js';

export interface FrameShape {
  readonly opcode?: number;
  /** True for the last frame of a message. */
  readonly final?: boolean;
  /** The three reserved bits, as 0 to 7. */
  readonly reserved?: number;
  /** Four bytes as a little-endian number; `undefined` for a frame that is not masked. */
  readonly mask?: number | undefined;
  /** Bits of the length field: 7, 16 or 64; by default the shortest that fits. */
  readonly lengthBits?: 7 | 16 | 64;
  /** The length in the header, if it differs from the payload's. */
  readonly headerLength?: number;
}

/** Encodes a frame of a client, valid or not (RFC 6455, 5.2). */
export function clientFrame(payload: Buffer | string, shape: FrameShape = {}): Buffer {
  const body = Buffer.from(payload);
  const { opcode = OPCODE.text, final = true, reserved = 0, headerLength = body.length } = shape;
  const { lengthBits = headerLength < 126 ? 7 : headerLength < 65_536 ? 16 : 64 } = shape;
  const mask = 'mask' in shape ? shape.mask : 0x12345678;
  const header = Buffer.alloc(2 + (lengthBits === 16 ? 2 : lengthBits === 64 ? 8 : 0) + (mask === undefined ? 0 : 4));
  header[0] = (final ? 0x80 : 0) | (reserved << 4) | opcode;
  header[1] = (mask === undefined ? 0 : 0x80) | (lengthBits === 7 ? headerLength : lengthBits === 16 ? 126 : 127);
  if (lengthBits === 16) header.writeUInt16BE(headerLength, 2);
  if (lengthBits === 64) header.writeBigUInt64BE(BigInt(headerLength), 2);
  if (mask === undefined) return Buffer.concat([header, body]);
  header.writeInt32LE(mask | 0, header.length - 4);
  for (let index = 0; index < body.length; index++) body[index]! ^= mask >>> ((index & 3) << 3);
  return Buffer.concat([header, body]);
}

/** Encodes a close frame; without a code it is empty. */
export function closeFrame(code?: number, reason: Buffer | string = '', mask = 0): Buffer {
  const text = Buffer.from(reason);
  const body = Buffer.alloc(code === undefined ? 0 : 2 + text.length);
  if (code !== undefined) body.writeUInt16BE(code);
  text.copy(body, 2);
  return clientFrame(body, { opcode: OPCODE.close, mask });
}

/** Encodes an envelope as a text frame. */
export function envelopeFrame(envelope: object): Buffer {
  return clientFrame(JSON.stringify(envelope));
}
