/** A buffer of bytes to be written to a socket, with a `DataView` of the same bytes for unaligned 32-bit access. */
export class Block {
  readonly view: DataView;

  constructor(readonly bytes: Buffer) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}
