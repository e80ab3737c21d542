declare const frameBrand: unique symbol;

/**
 * One or more complete, unmasked WebSocket frames, ready for the wire (RFC 6455, 5.2). The brand makes it a type error
 * to encode twice or to write bytes that are not encoded. The bytes are shared between receivers and never change.
 */
export type Frame = Buffer & { readonly [frameBrand]: true };

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const FIN = 0x80;
/** The longest header of an unmasked frame: two bytes and a 64-bit length. */
export const MAX_HEADER_BYTES = 10;

/** Returns the bytes of the header of an unmasked frame with this payload length. */
export function headerBytes(length: number): number {
  return length < 126 ? 2 : length < 65536 ? 4 : 10;
}

/** Writes the header of a final, unmasked frame at `at` and returns the offset behind the header. */
export function writeHeader(target: Buffer, at: number, opcode: number, length: number): number {
  target[at] = FIN | opcode;
  if (length < 126) {
    target[at + 1] = length;
    return at + 2;
  }
  if (length < 65536) {
    target[at + 1] = 126;
    target[at + 2] = length >>> 8;
    target[at + 3] = length & 0xff;
    return at + 4;
  }
  target[at + 1] = 127;
  target.writeUInt32BE(Math.floor(length / 2 ** 32), at + 2);
  target.writeUInt32BE(length >>> 0, at + 6);
  return at + 10;
}

/** Returns whether a value begins like a frame: a final fragment without reserved bits, which no text begins with. */
export function isFrame(value: unknown): value is Frame {
  return value instanceof Uint8Array && (value[0]! & 0xf0) === FIN;
}

/** Encodes a text as one frame. */
export function textFrame(text: string): Frame {
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(headerBytes(length) + length);
  frame.write(text, writeHeader(frame, 0, OPCODE.text, length));
  return frame as Frame;
}

/** Encodes a control frame; `body` is at most 125 bytes (RFC 6455, 5.5). */
export function controlFrame(opcode: number, body: Uint8Array): Frame {
  const frame = Buffer.allocUnsafe(2 + body.length);
  frame.set(body, writeHeader(frame, 0, opcode, body.length));
  return frame as Frame;
}
