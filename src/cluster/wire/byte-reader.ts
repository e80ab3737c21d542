/** Reads what a `ByteWriter` wrote. @throws {RangeError} where the bytes end too early */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#move(1));
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#move(2));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#move(4));
  }

  f64(): number {
    return this.#bytes.readDoubleBE(this.#move(8));
  }

  id(): string {
    const length = this.u8();
    const at = this.#move(length);
    return this.#bytes.toString('latin1', at, at + length);
  }

  /** The next bytes as they lie there, not copied. */
  bytes(): Buffer {
    const length = this.u32();
    const at = this.#move(length);
    return this.#bytes.subarray(at, at + length);
  }

  #move(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#bytes.length) throw new RangeError('the message ends too early');
    this.#at = at + bytes;
    return at;
  }
}
