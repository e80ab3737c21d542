import type { INestApplication } from '@nestjs/common';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { GatewayExplorer, type ExploredGateway } from './gateway-explorer.js';
import { configOfHandlers } from './http-globals.js';

/**
 * Lists the message types whose handlers have interceptors. Nest returns an observable for each such handler. Create
 * the list after Nest has bound the handlers, because an application may add global interceptors before that.
 */
export class InterceptedTypes {
  readonly #types = new Set<string>();
  readonly #all: boolean;

  constructor(app: INestApplication) {
    // `useGlobalInterceptors()` and the providers of `APP_INTERCEPTOR`.
    const config = configOfHandlers(app);
    this.#all = config.getGlobalInterceptors().length + config.getGlobalRequestInterceptors().length > 0;
    for (const gateway of app.get(GatewayExplorer).gateways()) this.#addTypesOf(gateway);
  }

  has(type: string): boolean {
    return this.#all || this.#types.has(type);
  }

  #addTypesOf({ metatype, handlers }: ExploredGateway): void {
    const methods = metatype.prototype as Readonly<Record<string, object>>;
    for (const { type, method } of handlers)
      if ([metatype, methods[method]!].some((target) => Reflect.hasMetadata(INTERCEPTORS_METADATA, target)))
        this.#types.add(type);
  }
}
