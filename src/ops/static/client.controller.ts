import { Controller, Get, Logger, NotFoundException, Req, Res } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The last product of the build; the same file for sources that are run as they are. */
const BUNDLE = fileURLToPath(new URL('../../../dist/client.min.js', import.meta.url));
/** A browser asks again each time and mostly hears 304: the client must not be older than its server for long. */
const CACHING = 'public, no-cache';

interface Served {
  readonly body: Buffer;
  readonly etag: string;
}

/** Serves the client, so that a page needs no build: `import { connect } from '/client.js'`. */
@Controller()
export class ClientController {
  readonly #served = read();

  @Get('client.js')
  serve(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    if (this.#served === undefined) throw new NotFoundException();
    const { body, etag } = this.#served;
    // From anywhere: it holds no secret, and a page of another origin that may connect may load it too.
    const headers = { ETag: etag, 'Cache-Control': CACHING, 'Access-Control-Allow-Origin': '*' };
    if (matches(request.headers['if-none-match'], etag)) {
      response.writeHead(304, headers).end();
      return;
    }
    const type = { 'Content-Type': 'text/javascript; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };
    response.writeHead(200, { ...headers, ...type, 'Content-Length': body.length }).end(body);
  }
}

function read(): Served | undefined {
  try {
    const body = readFileSync(BUNDLE);
    return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
  } catch {
    new Logger(ClientController.name).warn('There is no /client.js: "npm run build" makes it.');
    return undefined;
  }
}

/** Weak comparison, as RFC 9110, 13.1.2 wants it: a proxy that compresses makes a tag weak. */
function matches(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
