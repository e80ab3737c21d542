import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DocsFiles } from './docs-files.js';
import { PAGE_HEADERS, redirectsTo, sendStaticFile } from '../static/static-file.js';

/** Every origin may read the document, because it holds no secret and tools in browsers need it. */
const DOCUMENT_HEADERS = { ...PAGE_HEADERS, 'Access-Control-Allow-Origin': '*' };

/** Serves the protocol as an AsyncAPI document, and a page that shows the document. */
@ApiExcludeController()
@Controller()
export class DocsController {
  constructor(private readonly files: DocsFiles) {}

  @Get('asyncapi.json')
  document(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    sendStaticFile(request, response, this.files.document, DOCUMENT_HEADERS);
  }

  @Get('docs')
  page(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    if (redirectsTo('../docs', request, response)) return;
    sendStaticFile(request, response, this.files.find('index.html'), PAGE_HEADERS);
  }

  @Get('docs/:name')
  file(@Param('name') name: string, @Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    sendStaticFile(request, response, this.files.find(name), PAGE_HEADERS);
  }
}
