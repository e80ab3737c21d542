import { isUtf8 } from 'node:buffer';

/** The most bytes in UTF-8 of one UTF-16 code unit. */
const MAX_BYTES_PER_CHARACTER = 3;

/** Writes numbers, ids and bytes one after another into a growing buffer, big-endian. */
export class ByteWriter {
  #bytes: Buffer;
  #used = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#used;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#used++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#used = this.#bytes.writeUInt16BE(value, this.#used);
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#used = this.#bytes.writeUInt32BE(value, this.#used);
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#used = this.#bytes.writeDoubleBE(value, this.#used);
  }

  /** Writes an id: at most 255 ASCII characters, after their count. */
  id(text: string): void {
    const { length } = text;
    this.#reserve(length + 1);
    const bytes = this.#bytes;
    const at = this.#used + 1;
    bytes[at - 1] = length;
    for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
    this.#used = at + length;
  }

  /** Writes bytes after their count. */
  bytes(source: Uint8Array): void {
    this.#reserve(source.length + 4);
    this.#used = this.#bytes.writeUInt32BE(source.length, this.#used);
    this.#bytes.set(source, this.#used);
    this.#used += source.length;
  }

  /** Writes text in UTF-8, after the count of its bytes. */
  text(text: string): void {
    this.#reserve(text.length * MAX_BYTES_PER_CHARACTER + 4);
    const count = this.#bytes.write(text, this.#used + 4);
    this.#bytes.writeUInt32BE(count, this.#used);
    this.#used += count + 4;
  }

  /** Overwrites eight bytes at an offset. */
  f64At(at: number, value: number): void {
    this.#bytes.writeDoubleBE(value, at);
  }

  /** Overwrites four bytes at an offset. */
  u32At(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  /** Returns everything written so far, not copied. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#used);
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#used + bytes));
    grown.set(this.done());
    this.#bytes = grown;
  }
}

/**
 * Reads what a {@link ByteWriter} wrote. Every method throws a {@link RangeError} where the bytes end too early, or are not
 * what the method reads.
 */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;
  /** The offset behind the last byte that may be read: that of the bytes, or of the current item. */
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
  }

  get atEnd(): boolean {
    return this.#at >= this.#end;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  f64(): number {
    return this.#bytes.readDoubleBE(this.#advance(8));
  }

  id(): string {
    const length = this.u8();
    const at = this.#advance(length);
    return this.#bytes.toString('latin1', at, at + length);
  }

  /** Returns the next bytes, not copied. */
  bytes(): Buffer {
    const length = this.u32();
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(): string {
    const bytes = this.bytes();
    if (!isUtf8(bytes)) throw new RangeError('a text of the message is not UTF-8');
    return bytes.toString();
  }

  /** Reads an item, whose bytes stand after their count. Moves behind the item, of which `read` may leave a rest. */
  item<Item>(type: number, read: (type: number, item: ByteReader) => Item): Item {
    const length = this.u32();
    const end = this.#end;
    this.#end = this.#advance(length) + length;
    this.#at -= length;
    const item = read(type, this);
    this.#at = this.#end;
    this.#end = end;
    return item;
  }

  /** Moves behind the next bytes and returns their offset. */
  #advance(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#end) throw new RangeError('the message ends too early');
    this.#at = at + bytes;
    return at;
  }
}
