import { FrameBatches } from '../sessions/frame-batches.js';

/** Unseen frames, one behind the other. */
export interface UnseenPart {
  readonly run: Buffer;
  /** Text frames that both sides count. */
  readonly frames: number;
  /** The buffer of which the run is a part. */
  readonly of: Buffer;
}

/**
 * Returns parts as batches that hold little more memory than their bytes: a small part of a large buffer would keep all of it,
 * so such parts are copied into one buffer. `null` where there are none.
 */
export function packed(parts: readonly UnseenPart[]): FrameBatches | null {
  if (parts.length === 0) return null;
  const copies = Buffer.allocUnsafeSlow(parts.reduce((sum, part) => sum + (isSmall(part) ? part.run.length : 0), 0));
  const batches = new FrameBatches();
  let end = 0;
  for (const part of parts) {
    const { run, frames } = part;
    if (isSmall(part)) {
      copies.set(run, end);
      batches.push(copies.subarray(end, (end += run.length)), frames);
    } else batches.push(run, frames);
  }
  return batches;
}

/** Returns whether a part is less than half of the memory that it keeps. A frame that sessions share is whole. */
function isSmall({ run, of }: UnseenPart): boolean {
  return run.length < of.length && run.length * 2 < of.buffer.byteLength;
}
