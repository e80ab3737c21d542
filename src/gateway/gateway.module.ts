import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Admission } from './handshake/admission.js';
import { Authenticator } from './handshake/authenticator.js';
import { ConnectCheck } from './handshake/connect-check.js';
import { ConnectionLimits } from './handshake/connection-limits.js';
import { ConnectionPlaces } from './handshake/connection-places.js';
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
import { SystemRequestRunner } from './dispatch/system-request-runner.js';
import { OriginPolicy } from './handshake/origin-policy.js';
import { UpgradeAdmission } from './handshake/upgrade-admission.js';
import { SharedAddress } from './handshake/shared-address.js';
import { GatewayExplorer } from './nest/gateway-explorer.js';
import { GatewayInstances } from './nest/gateway-instances.js';
import { HookCaller } from './nest/hook-caller.js';
import { RoomHooks } from './nest/room-hooks.js';
import { ResumeHooks } from './nest/resume-hooks.js';
import { SessionHooks } from './nest/session-hooks.js';
import { NodeAddress } from './returns/node-address.js';
import { Passes } from './returns/passes.js';
import { Pipes } from './returns/pipes.js';
import { RemoteReturns } from './returns/remote-returns.js';
import { ReturnOffers } from './returns/return-offers.js';
import { ReturnRequests } from './returns/return-requests.js';
import { GatewayBinding } from './gateway-binding.js';
import { GatewayServer } from './gateway-server.js';
import { SessionOpener } from './session-opener.js';
import { SessionStart } from './session-start.js';
import { SocketEvents } from './socket-events.js';
import { UpgradeAnswers } from './upgrade-answers.js';
import { UpgradeHandler } from './upgrade-handler.js';
import { TokenExpiry } from './auth/token-expiry.js';
import { TokenKeys } from './auth/token-keys.js';
import { RenewedRights } from './auth/renewed-rights.js';
import { TokenRenewal } from './auth/token-renewal.js';
import { NodeModule } from '../node/node.module.js';
import { TokenVerifier } from './auth/token-verifier.js';

/** Provides the WebSocket edge. Global, so that its `onModuleInit` hooks run before those of the application. */
@Global()
@Module({
  imports: [DiscoveryModule, NodeModule],
  providers: [
    Admission,
    UpgradeAdmission,
    Authenticator,
    ConnectCheck,
    ConnectionLimits,
    ConnectionPlaces,
    ClientAddress,
    OriginPolicy,
    SharedAddress,
    TokenKeys,
    TokenVerifier,
    TokenExpiry,
    RenewedRights,
    TokenRenewal,
    Handshake,
    HandshakeMetrics,
    HandlerTable,
    HandlerReplies,
    HandlerRunner,
    SystemRequestRunner,
    MessageDispatcher,
    FastFrameReader,
    SocketEvents,
    Heartbeat,
    MessageTimeout,
    GatewayExplorer,
    GatewayInstances,
    HookCaller,
    RoomHooks,
    SessionHooks,
    ResumeHooks,
    Passes,
    ReturnOffers,
    NodeAddress,
    Pipes,
    RemoteReturns,
    ReturnRequests,
    SessionOpener,
    SessionStart,
    UpgradeAnswers,
    UpgradeHandler,
    GatewayServer,
    GatewayBinding,
  ],
  exports: [ConnectionLimits, GatewayExplorer, GatewayServer, Handshake, NodeAddress, UpgradeHandler],
})
export class GatewayModule {}
