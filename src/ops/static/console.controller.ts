import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  CLOSE_CODES,
  ERRORS,
  MAX_ID_CHARACTERS,
  MAX_PAGE,
  MAX_RECEIVER_CHARACTERS,
  MAX_TYPE_CHARACTERS,
  SUBPROTOCOL,
} from '../../protocol/index.js';
import { Settings } from '../../settings/settings.js';
import {
  PAGE_HEADERS,
  pageHeaders,
  readStaticFiles,
  redirectsTo,
  sendStaticFile,
  staticFile,
  type StaticFile,
} from './static-file.js';

const FOLDER = new URL('../../console/', import.meta.url);
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Serves the console at `HTTP_BASE` and its files below `console/`; the files are read once. */
@ApiExcludeController()
@Controller()
export class ConsoleController {
  readonly #files = readStaticFiles(FOLDER);
  readonly #page = this.#files.get('index.html');
  readonly #pageHeaders = { ...pageHeaders(inlineScript(this.#page)), ...ISOLATION };

  /** The console's own address, relative to the address without a slash at its end. */
  readonly #address: string;

  constructor(settings: Settings) {
    this.#address = `${settings.endpointPrefix.split('/').at(-1)}/`;
    this.#files.set('tables.json', staticFile('tables.json', Buffer.from(JSON.stringify(tablesOf(settings)))));
  }

  @Get()
  page(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    if (redirectsTo(this.#address, request, response)) return;
    sendStaticFile(request, response, this.#page, this.#pageHeaders);
  }

  @Get('console/:name')
  file(@Param('name') name: string, @Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    sendStaticFile(request, response, this.#files.get(name), { ...PAGE_HEADERS, ...ISOLATION });
  }
}

/** Returns the text of the inline script of a page. */
function inlineScript(page: StaticFile | undefined): string | undefined {
  return /<script>([^]*?)<\/script>/.exec(page?.body.toString() ?? '')?.[1];
}

/** Collects the tables of this server that the console needs; all of them are public. */
function tablesOf({ wsReference, auth }: Settings): object {
  return {
    wsReference,
    auth,
    subprotocol: SUBPROTOCOL,
    errors: ERRORS,
    closeCodes: CLOSE_CODES,
    limits: { type: MAX_TYPE_CHARACTERS, receiver: MAX_RECEIVER_CHARACTERS, id: MAX_ID_CHARACTERS, page: MAX_PAGE },
  };
}
