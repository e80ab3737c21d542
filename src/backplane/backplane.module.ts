import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Settings } from '../settings/settings.js';
import { Backplane } from './backplane.js';
import { LocalBackplane } from './local-backplane.js';
import { NatsBackplane } from './nats-backplane.js';

/** Makes the one backplane injectable: the operator decides which. */
@Global()
@Module({})
export class BackplaneModule {
  static with({ backplane }: Settings): DynamicModule {
    return {
      module: BackplaneModule,
      providers: [{ provide: Backplane, useClass: backplane === 'nats' ? NatsBackplane : LocalBackplane }],
      exports: [Backplane],
    };
  }
}
