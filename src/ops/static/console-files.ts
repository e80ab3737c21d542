import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
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

const FOLDER = new URL('../../console/', import.meta.url);
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
};

export interface ConsoleFile {
  readonly body: Buffer;
  readonly contentType: string;
  readonly etag: string;
}

/** The files of the console, read once, and the server's own tables for it: what is not in the map does not exist. */
@Injectable()
export class Console {
  readonly #files = new Map<string, ConsoleFile>();

  constructor(settings: Settings) {
    for (const name of readdirSync(FOLDER)) this.#add(name, readFileSync(new URL(name, FOLDER)));
    this.#add('tables.json', Buffer.from(JSON.stringify(tables(settings))));
  }

  find(name: string): ConsoleFile | undefined {
    return this.#files.get(name);
  }

  #add(name: string, body: Buffer): void {
    const contentType = CONTENT_TYPES[extname(name)];
    if (contentType === undefined) return;
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    this.#files.set(name, { body, contentType, etag });
  }
}

/** What the page has to know of this server; all of it is public. */
function tables({ wsPath, auth }: Settings): object {
  return {
    wsPath,
    auth,
    subprotocol: SUBPROTOCOL,
    errors: ERRORS,
    closeCodes: CLOSE_CODES,
    limits: { type: MAX_TYPE_CHARACTERS, receiver: MAX_RECEIVER_CHARACTERS, id: MAX_ID_CHARACTERS, page: MAX_PAGE },
  };
}
