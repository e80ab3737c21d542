/** A frame of the server. */
export interface ServerFrame {
  /** The whole first byte: the final bit, the reserved bits, the opcode. */
  readonly first: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly body: Buffer;
}

/** Splits the bytes of a server into the head of its response and the frames behind it. */
export class ServerFrameReader {
  /** The response to the upgrade, without its empty line. */
  head = '';
  #bytes: Buffer = Buffer.alloc(0);

  constructor(private readonly onFrame: (frame: ServerFrame) => void) {}

  read(chunk: Buffer): void {
    let bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    if (this.head === '') {
      const end = bytes.indexOf('\r\n\r\n');
      if (end === -1) return void (this.#bytes = bytes);
      this.head = bytes.toString('latin1', 0, end);
      bytes = bytes.subarray(end + 4);
    }
    for (let length = this.#frame(bytes); length > 0; length = this.#frame(bytes)) bytes = bytes.subarray(length);
    this.#bytes = bytes;
  }

  /** Reads the frame at the start of these bytes and returns its length, 0 where the frame is incomplete. */
  #frame(bytes: Buffer): number {
    if (bytes.length < 2) return 0;
    const short = bytes[1]! & 0x7f;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < start) return 0;
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (bytes.length < start + length) return 0;
    const first = bytes[0]!;
    const body = bytes.subarray(start, start + length);
    this.onFrame({ first, opcode: first & 0x0f, masked: (bytes[1]! & 0x80) !== 0, body });
    return start + length;
  }
}
