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
 * Provides the backplane that `BACKPLANE` selects. The module is global, because `forRoot()` needs the settings, and
 * static modules such as `MessagingModule` have no settings to call `forRoot()` with.
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
