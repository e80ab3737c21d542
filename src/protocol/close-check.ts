import { isUtf8 } from 'node:buffer';

/** Bytes of the reason that fit into a close frame behind its code (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 123;
/** Codes that never stand in a close frame (RFC 6455, 7.4.1). */
const NEVER_SENT: ReadonlySet<number> = new Set([1004, 1005, 1006]);
const LAST_PROTOCOL_CODE = 1014;

/**
 * Checks the code and the reason of a close frame, so that nothing has changed where they are invalid. Without a code
 * the close frame is empty.
 *
 * @throws {RangeError} for a code that may not be sent, or a reason of more than 123 bytes
 * @throws {TypeError} for a reason that is not text, or bytes that are not UTF-8
 */
export function checkClose(code: unknown, reason?: unknown): void {
  if (code !== undefined && !isSendableCode(code))
    throw new RangeError(
      `close code ${typeof code === 'number' ? code : typeof code} is invalid; use 1000 to 1014 except 1004 to 1006, or 3000 to 4999`,
    );
  if (reason === undefined) return;
  if (typeof reason !== 'string' && !(reason instanceof Uint8Array))
    throw new TypeError('the reason of a close frame must be a string or bytes');
  const bytes = typeof reason === 'string' ? Buffer.byteLength(reason) : reason.length;
  if (bytes > MAX_REASON_BYTES)
    throw new RangeError(`the reason of a close frame has ${bytes} bytes; at most ${MAX_REASON_BYTES} fit`);
  if (typeof reason !== 'string' && !isUtf8(reason))
    throw new TypeError('the reason of a close frame must be UTF-8, because a client fails on other bytes');
}

function isSendableCode(code: unknown): boolean {
  if (typeof code !== 'number' || !Number.isInteger(code)) return false;
  return (code >= 1000 && code <= LAST_PROTOCOL_CODE && !NEVER_SENT.has(code)) || (code >= 3000 && code <= 4999);
}
