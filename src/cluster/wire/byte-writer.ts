/** Bytes written one behind the other into a buffer that grows. */
export class ByteWriter {
  #bytes: Buffer;
  #used = 0;

  constructor(room: number) {
    this.#bytes = Buffer.allocUnsafe(room);
  }

  get length(): number {
    return this.#used;
  }

  u8(value: number): void {
    this.#need(1);
    this.#bytes[this.#used++] = value;
  }

  u16(value: number): void {
    this.#need(2);
    this.#used = this.#bytes.writeUInt16BE(value, this.#used);
  }

  u32(value: number): void {
    this.#need(4);
    this.#used = this.#bytes.writeUInt32BE(value, this.#used);
  }

  f64(value: number): void {
    this.#need(8);
    this.#used = this.#bytes.writeDoubleBE(value, this.#used);
  }

  /** A text of at most 255 ASCII characters: an id. */
  id(text: string): void {
    const { length } = text;
    this.#need(length + 1);
    this.#bytes[this.#used++] = length;
    for (let index = 0; index < length; index++) this.#bytes[this.#used++] = text.charCodeAt(index);
  }

  bytes(source: Uint8Array): void {
    this.#need(source.length + 4);
    this.#used = this.#bytes.writeUInt32BE(source.length, this.#used);
    this.#bytes.set(source, this.#used);
    this.#used += source.length;
  }

  /** Writes over what stands at an offset. */
  f64At(at: number, value: number): void {
    this.#bytes.writeDoubleBE(value, at);
  }

  u32At(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  /** All that was written. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#used);
  }

  #need(bytes: number): void {
    if (this.#used + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#used + bytes));
    grown.set(this.done());
    this.#bytes = grown;
  }
}
