/** Bytes to be written to a socket, and a view for 32-bit words at any offset. */
export class Block {
  readonly view: DataView;

  constructor(readonly bytes: Buffer) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}
