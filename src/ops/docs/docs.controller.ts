import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DocsFiles } from './docs-files.js';
import { sendStaticFile } from '../static/static-file.js';

/** Serves the protocol as a document for machines, and a page that reads it to people. */
@Controller()
export class DocsController {
  constructor(private readonly files: DocsFiles) {}

  /** From anywhere: it holds no secret, and tools that run in a browser read it too. */
  @Get('asyncapi.json')
  document(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    sendStaticFile(request, response, this.files.document, { 'Access-Control-Allow-Origin': '*' });
  }

  @Get('docs')
  page(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    sendStaticFile(request, response, this.files.find('index.html'));
  }

  @Get('docs/:name')
  file(@Param('name') name: string, @Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    sendStaticFile(request, response, this.files.find(name));
  }
}
