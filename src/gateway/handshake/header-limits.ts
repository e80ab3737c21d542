import type { IncomingMessage } from 'node:http';
import type { HandshakeRejection } from '../http/rejection.js';
import { PASS_HEADER } from '../returns/passes.js';

/** Headers of one request. */
const MAX_HEADERS = 100;
/** Headers that proxies and other nodes write or remove, in lower case; a client behind proxies may send as much as one without. */
const PROXY_HEADERS = new Set([
  'connection',
  'forwarded',
  PASS_HEADER,
  'via',
  'x-client-certificate',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-proxy-secret',
  'x-real-ip',
]);

/** Bytes that the parser reads over `MAX_HEADER_BYTES`, for headers of proxies; a certificate takes most of them. */
export const PROXY_HEADER_BYTES = 8192;

const TOO_MANY: HandshakeRejection = { code: 'bad_handshake', message: 'There are too many headers.' };
export const HEADERS_TOO_LONG: HandshakeRejection = { code: 'bad_handshake', message: 'The headers are too long.' };

/**
 * Returns why a request is rejected for its headers: over 100 of them, or over so many bytes of the address and of names
 * and values, as Node counts them. Headers of proxies do not count.
 */
export function headerRejection(request: IncomingMessage, maxBytes: number): HandshakeRejection | undefined {
  const { rawHeaders } = request;
  let bytes = request.url?.length ?? 0;
  for (const text of rawHeaders) bytes += text.length;
  let count = rawHeaders.length / 2;
  if (count <= MAX_HEADERS && bytes <= maxBytes) return undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (!PROXY_HEADERS.has(rawHeaders[index]!.toLowerCase())) continue;
    bytes -= rawHeaders[index]!.length + rawHeaders[index + 1]!.length;
    count--;
  }
  if (bytes > maxBytes) return HEADERS_TOO_LONG;
  return count > MAX_HEADERS ? TOO_MANY : undefined;
}
