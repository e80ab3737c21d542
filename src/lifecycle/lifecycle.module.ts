import { Global, Module } from '@nestjs/common';
import { Lifecycle } from './lifecycle.js';
import { NodeIdentity } from './node-identity.js';

@Global()
@Module({ providers: [Lifecycle, NodeIdentity], exports: [Lifecycle, NodeIdentity] })
export class LifecycleModule {}
