import { TEXT } from './json-scanner.js';

/** Hashes the ASCII characters at `[from, to)` of {@link TEXT} as `hashText` hashes a text. */
export function hashTextAt(from: number, to: number): number {
  let hash = 0;
  for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + TEXT[at]!) | 0;
  return hash & 0x3fffffff;
}

/** Returns whether {@link TEXT} has an ASCII text at `[from, to)`. */
export function isTextAt(text: string, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) !== TEXT[from + index]) return false;
  return true;
}
