import { Injectable } from '@nestjs/common';
import { ReservedTypes } from '../../messaging/reserved-types.js';
import { Settings } from '../../settings/settings.js';
import { asyncApi } from './asyncapi.js';
import { GatewayList, handlerDescriptors } from './handler-descriptors.js';
import { readStaticFiles, staticFile, type StaticFile } from '../static/static-file.js';

const FOLDER = new URL('page/', import.meta.url);

/**
 * Holds the files of the `/docs` page and `/asyncapi.json`, which is made at its first request, after Nest has bound
 * all handlers.
 */
@Injectable()
export class DocsFiles {
  #files: ReadonlyMap<string, StaticFile> | undefined;
  #document: StaticFile | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly gatewayList: GatewayList,
    private readonly reservedTypes: ReservedTypes,
  ) {}

  get document(): StaticFile {
    return (this.#document ??= staticFile('asyncapi.json', Buffer.from(JSON.stringify(this.#asyncApi()))));
  }

  find(name: string): StaticFile | undefined {
    return (this.#files ??= readStaticFiles(FOLDER)).get(name);
  }

  #asyncApi(): object {
    return asyncApi(this.settings, handlerDescriptors(this.gatewayList.gateways()), this.reservedTypes.emitted);
  }
}
