import { Module } from '@nestjs/common';
import { NodeState } from './node-state.js';
import { NodeIdentity } from './node-identity.js';

@Module({ providers: [NodeState, NodeIdentity], exports: [NodeState, NodeIdentity] })
export class NodeModule {}
