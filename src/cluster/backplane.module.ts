import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import type { Settings } from '../settings/settings.js';
import { NodeModule } from '../node/node.module.js';
import { AutoBackplane } from './auto-backplane.js';
import { Backplane } from './backplane.js';
import { LocalBackplane } from './local-backplane.js';
import { NatsBackplane } from './nats/nats-backplane.js';

const PROVIDERS = {
  local: [{ provide: Backplane, useClass: LocalBackplane }],
  nats: [{ provide: Backplane, useClass: NatsBackplane }],
  auto: [NatsBackplane, { provide: Backplane, useClass: AutoBackplane }],
} as const satisfies Record<Settings['backplane'], Provider[]>;

/**
 * Provides the backplane that `BACKPLANE` selects. Global, because `forRoot()` makes the module at start and a static
 * module cannot import what it returns.
 */
@Global()
@Module({})
export class BackplaneModule {
  static forRoot({ backplane }: Settings): DynamicModule {
    return {
      module: BackplaneModule,
      imports: [NodeModule],
      providers: [...PROVIDERS[backplane]],
      exports: [Backplane],
    };
  }
}
