import { Global, Module } from '@nestjs/common';
import { NodeState } from './node-state.js';
import { NodeIdentity } from './node-identity.js';

@Global()
@Module({ providers: [NodeState, NodeIdentity], exports: [NodeState, NodeIdentity] })
export class NodeModule {}
