import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Console, type ConsoleFile } from './console-files.js';

const PAGE = 'index.html';

/** Everything comes from here, nothing inline: a message that holds markup cannot become code. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-cache',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Serves the console at `/` and its files below `/console/`. */
@Controller()
export class ConsoleController {
  constructor(private readonly files: Console) {}

  @Get()
  page(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    send(request, response, this.files.find(PAGE));
  }

  @Get('console/:name')
  file(@Param('name') name: string, @Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    send(request, response, this.files.find(name));
  }
}

function send({ headers, method }: IncomingMessage, response: ServerResponse, file: ConsoleFile | undefined): void {
  if (file === undefined) throw new NotFoundException();
  const { body, contentType, etag } = file;
  if (matches(headers['if-none-match'], etag)) {
    response.writeHead(304, { ...HEADERS, ETag: etag }).end();
    return;
  }
  response.writeHead(200, { ...HEADERS, ETag: etag, 'Content-Type': contentType, 'Content-Length': body.length });
  response.end(method === 'HEAD' ? undefined : body);
}

/** Weak comparison, as RFC 9110, 13.1.2 wants it: a proxy that compresses makes a tag weak. */
function matches(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
