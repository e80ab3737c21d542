import { NotFoundException } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** A file as it is sent, and what tells one version of it from the next. */
export interface StaticFile {
  readonly body: Buffer;
  readonly contentType: string;
  readonly etag: string;
}

/** Everything comes from here and nothing is inline, so that no text of the document can become code. */
const SAFE: OutgoingHttpHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-cache',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

export function staticFile(body: Buffer, contentType: string): StaticFile {
  return { body, contentType, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}

/** Sends a file, or 304 to who has it already; Node leaves the body away where only the head was asked for. */
export function sendStaticFile(
  { headers }: IncomingMessage,
  response: ServerResponse,
  file: StaticFile | undefined,
  more: OutgoingHttpHeaders = {},
): void {
  if (file === undefined) throw new NotFoundException();
  const { body, contentType, etag } = file;
  const known = (headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (known.includes(etag) || known.includes('*')) {
    response.writeHead(304, { ...SAFE, ...more, ETag: etag }).end();
    return;
  }
  const about = { ETag: etag, 'Content-Type': contentType, 'Content-Length': body.length };
  response.writeHead(200, { ...SAFE, ...more, ...about }).end(body);
}
