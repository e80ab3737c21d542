/** Bytes on their way to a socket, and a view of them for words that begin anywhere. */
export class Block {
  readonly view: DataView;

  constructor(readonly bytes: Buffer) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}
