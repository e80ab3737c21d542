import { Global, Module } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Settings } from '../settings/settings.js';
import { NodeModule } from '../node/node.module.js';
import { Backplane } from './backplane.js';
import { Clock } from './clock.js';
import { LocalBackplane } from './local-backplane.js';
import { NatsBackplane } from './nats-backplane.js';
import { NatsDialer } from './nats/nats-access.js';

const BACKPLANES = { local: LocalBackplane, nats: NatsBackplane, auto: NatsBackplane } as const;

/** Provides the backplane that `BACKPLANE` selects. */
@Global()
@Module({
  imports: [NodeModule],
  providers: [
    Clock,
    NatsDialer,
    {
      provide: Backplane,
      inject: [Settings, ModuleRef],
      useFactory: ({ backplane }: Settings, moduleRef: ModuleRef) => moduleRef.create<Backplane>(BACKPLANES[backplane]),
    },
  ],
  exports: [Backplane, Clock],
})
export class BackplaneModule {}
