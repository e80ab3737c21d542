import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Settings } from '../../settings/settings.js';
import { asyncApi } from './asyncapi.js';
import { handlerWords } from './handler-words.js';
import { served, type Served } from './served.js';

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
  readonly #files = new Map<string, Served>();
  #document: Served | undefined;

  constructor(
    @Inject(Settings) private readonly settings: Settings,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    for (const name of readdirSync(FOLDER)) {
      const contentType = CONTENT_TYPES[extname(name)];
      if (contentType !== undefined) this.#files.set(name, served(readFileSync(new URL(name, FOLDER)), contentType));
    }
  }

  get document(): Served {
    return (this.#document ??= served(
      Buffer.from(JSON.stringify(asyncApi(this.settings, handlerWords(this.modules)))),
      'application/json; charset=utf-8',
    ));
  }

  find(name: string): Served | undefined {
    return this.#files.get(name);
  }
}
