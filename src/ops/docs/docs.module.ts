import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { DocsFiles } from './docs-files.js';
import { GatewayList } from './handler-descriptors.js';

/** Provides the protocol as a document and as a page; served unless `DOCS=off`. */
@Module({})
export class DocsModule {
  /**
   * @param gatewayModule exports the explorer
   * @param explorer lists the gateways whose handlers the document describes
   */
  static forRoot(gatewayModule: Type, explorer: Type<GatewayList>): DynamicModule {
    return {
      module: DocsModule,
      imports: [gatewayModule],
      providers: [DocsFiles, { provide: GatewayList, useExisting: explorer }],
    };
  }
}
