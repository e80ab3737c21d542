import { Controller, Get, Logger, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendStaticFile, staticFile, type StaticFile } from './static-file.js';

/** The bundle is made by the build. Sources that run unbuilt serve the same file. */
const BUNDLE = new URL('../../../dist/client.min.js', import.meta.url);
/**
 * `no-cache` lets a browser revalidate each time, because the client must not be older than its server. Every origin
 * may load the file: it holds no secret, and pages of other origins may connect.
 */
const HEADERS = { 'Cache-Control': 'public, no-cache', 'Access-Control-Allow-Origin': '*' };

/** Serves the browser client, so that a page needs no build: `import { connect } from '/client.js'`. */
@ApiExcludeController()
@Controller()
export class ClientController {
  readonly #bundle = readBundle();

  @Get('client.js')
  serve(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    sendStaticFile(request, response, this.#bundle, HEADERS);
  }
}

function readBundle(): StaticFile | undefined {
  try {
    return staticFile('client.js', readFileSync(BUNDLE));
  } catch {
    new Logger(ClientController.name).warn('/client.js is not served: the bundle is missing; run npm run build');
    return undefined;
  }
}
