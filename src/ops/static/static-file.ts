import { NotFoundException } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { extname } from 'node:path';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
};

/** A file in memory, ready to be sent. */
export interface StaticFile {
  readonly body: Buffer;
  readonly contentType: string;
  /** A strong entity tag (RFC 9110, 8.8.3), made of the body. */
  readonly etag: string;
}

/** Headers of pages and their files, without inline code. */
export const PAGE_HEADERS = pageHeaders();

/**
 * Returns the headers of a page. The policy allows no inline code but the page's own, so that the text of a message cannot
 * become code.
 *
 * @param inline the text of an inline script, which the policy names by its hash (CSP Level 3, 2.3.1)
 */
export function pageHeaders(inline?: string): OutgoingHttpHeaders {
  const hash = inline === undefined ? '' : ` 'sha256-${createHash('sha256').update(inline).digest('base64')}'`;
  return {
    'Content-Security-Policy':
      `default-src 'none'; script-src 'self'${hash}; style-src 'self'; img-src 'self'; connect-src 'self'; ` +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'Cache-Control': 'no-cache',
    'Referrer-Policy': 'no-referrer',
  };
}

/** @param name decides about the content type, which must be known */
export function staticFile(name: string, body: Buffer): StaticFile {
  const contentType = CONTENT_TYPES[extname(name)];
  if (contentType === undefined) throw new Error(`no content type is known for ${name}`);
  return { body, contentType, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}

/** Reads all files of a folder whose content type is known, by name. Sub-folders are not read. */
export function readStaticFiles(folder: URL): Map<string, StaticFile> {
  const names = readdirSync(folder).filter((name) => extname(name) in CONTENT_TYPES);
  return new Map(names.map((name) => [name, staticFile(name, readFileSync(new URL(name, folder)))]));
}

/**
 * Sends a file, or 304 without a body where the client has it. For a HEAD request Node.js omits the body.
 *
 * @throws {NotFoundException} where there is no file
 */
export function sendStaticFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: StaticFile | undefined,
  headers: OutgoingHttpHeaders,
): void {
  if (file === undefined) throw new NotFoundException();
  const { body, contentType, etag } = file;
  const all = { ...headers, 'X-Content-Type-Options': 'nosniff', ETag: etag };
  if (matches(request.headers['if-none-match'], etag)) response.writeHead(304, all).end();
  else response.writeHead(200, { ...all, 'Content-Type': contentType, 'Content-Length': body.length }).end(body);
}

/**
 * Redirects to the form of a path for which the relative addresses of a page are right: with or without a slash at the
 * end. Returns `false` where the request has that form. The location is relative, because a proxy may remove a prefix.
 */
export function redirectsTo(location: string, { url = '' }: IncomingMessage, response: ServerResponse): boolean {
  const [path = ''] = url.split('?', 1);
  if (path.endsWith('/') === location.endsWith('/')) return false;
  response.writeHead(302, { Location: location, 'Content-Length': 0 }).end();
  return true;
}

/** Compares weakly, as RFC 9110, 13.1.2 requires, because a proxy that compresses makes a tag weak. */
function matches(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
