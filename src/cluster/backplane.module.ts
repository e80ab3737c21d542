import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Settings } from '../settings/settings.js';
import { Backplane } from './backplane.js';
import { LocalBackplane } from './local-backplane.js';
import { NatsBackplane } from './nats-backplane.js';

const BACKPLANES = { local: LocalBackplane, nats: NatsBackplane, auto: NatsBackplane } as const;

/** Provides the backplane that `BACKPLANE` names. */
@Global()
@Module({})
export class BackplaneModule {
  static with({ backplane }: Settings): DynamicModule {
    return {
      module: BackplaneModule,
      providers: [{ provide: Backplane, useClass: BACKPLANES[backplane] }],
      exports: [Backplane],
    };
  }
}
