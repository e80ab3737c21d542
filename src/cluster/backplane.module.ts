import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Settings } from '../settings/settings.js';
import { NodeModule } from '../node/node.module.js';
import { Backplane } from './backplane.js';
import { Clock } from './clock.js';
import { LocalBackplane } from './local-backplane.js';
import { NatsBackplane } from './nats-backplane.js';
import { NatsDialer } from './nats/nats-access.js';

const BACKPLANES = { local: LocalBackplane, nats: NatsBackplane, auto: NatsBackplane } as const;

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
      providers: [Clock, NatsDialer, { provide: Backplane, useClass: BACKPLANES[backplane] }],
      exports: [Backplane],
    };
  }
}
