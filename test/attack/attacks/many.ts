/** Repeats bytes, to be sent with one write. */
export function many(count: number, bytes: Buffer): Buffer {
  return Buffer.alloc(count * bytes.length, bytes);
}
