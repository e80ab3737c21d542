import { Injectable } from '@nestjs/common';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Settings } from '../../settings/settings.js';
import { asyncApi } from './asyncapi.js';
import { GatewayList, handlerDescriptors } from './handler-descriptors.js';
import { staticFile, type StaticFile } from '../static/static-file.js';

const FOLDER = new URL('page/', import.meta.url);
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The files of the page, read once, and the document, written when it is first asked for: then all handlers are known. */
@Injectable()
export class DocsFiles {
  readonly #files = new Map<string, StaticFile>();
  #document: StaticFile | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly gatewayList: GatewayList,
  ) {
    for (const name of readdirSync(FOLDER)) {
      const contentType = CONTENT_TYPES[extname(name)];
      if (contentType !== undefined)
        this.#files.set(name, staticFile(readFileSync(new URL(name, FOLDER)), contentType));
    }
  }

  get document(): StaticFile {
    return (this.#document ??= staticFile(
      Buffer.from(JSON.stringify(asyncApi(this.settings, handlerDescriptors(this.gatewayList.gateways())))),
      'application/json; charset=utf-8',
    ));
  }

  find(name: string): StaticFile | undefined {
    return this.#files.get(name);
  }
}
