import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Admission } from './handshake/admission.js';
import { Authenticator } from './handshake/authenticator.js';
import { ConnectCheck } from './handshake/connect-check.js';
import { ConnectionLimits } from './handshake/connection-limits.js';
import { ClientAddress } from './handshake/client-address.js';
import { FastFrameReader } from './frames/fast-frame-reader.js';
import { MessageTimeout } from './frames/message-timeout.js';
import { HandlerReplies } from './dispatch/handler-replies.js';
import { HandlerRunner } from './dispatch/handler-runner.js';
import { HandlerTable } from './dispatch/handler-table.js';
import { HandshakeMetrics } from './handshake/handshake-metrics.js';
import { Handshake } from './handshake/handshake.js';
import { Heartbeat } from './heartbeat.js';
import { MessageDispatcher } from './dispatch/message-dispatcher.js';
import { PlaceholderGateway } from './nest/placeholder.gateway.js';
import { OriginPolicy } from './handshake/origin-policy.js';
import { GatewayExplorer } from './nest/gateway-explorer.js';
import { GatewayInstances } from './nest/gateway-instances.js';
import { HookCaller } from './nest/hook-caller.js';
import { SessionHooks } from './nest/session-hooks.js';
import { SocketEvents } from './socket-events.js';
import { TokenExpiry } from './auth/token-expiry.js';
import { TokenRenewal } from './auth/token-renewal.js';
import { NodeModule } from '../node/node.module.js';
import { TokenVerifier } from './auth/token-verifier.js';

@Module({
  imports: [DiscoveryModule, NodeModule],
  providers: [
    Admission,
    Authenticator,
    ConnectCheck,
    ConnectionLimits,
    ClientAddress,
    OriginPolicy,
    TokenVerifier,
    TokenExpiry,
    TokenRenewal,
    Handshake,
    HandshakeMetrics,
    HandlerTable,
    HandlerReplies,
    HandlerRunner,
    MessageDispatcher,
    FastFrameReader,
    SocketEvents,
    Heartbeat,
    MessageTimeout,
    GatewayExplorer,
    GatewayInstances,
    HookCaller,
    SessionHooks,
    PlaceholderGateway,
  ],
  exports: [
    Admission,
    ConnectionLimits,
    GatewayExplorer,
    Handshake,
    HandshakeMetrics,
    HandlerTable,
    OriginPolicy,
    SocketEvents,
  ],
})
export class GatewayModule {}
