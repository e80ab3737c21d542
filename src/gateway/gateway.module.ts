import { Module } from '@nestjs/common';
import { Admission } from './admission.js';
import { ClientAddress } from './client-address.js';
import { FastLane } from './fast-lane.js';
import { FrameDeadline } from './frame-deadline.js';
import { HandledMessages } from './handled-messages.js';
import { HandlerReplies } from './handler-replies.js';
import { HandlerTable } from './handler-table.js';
import { HandshakeRecord } from './handshake-record.js';
import { Handshake } from './handshake.js';
import { Heartbeat } from './heartbeat.js';
import { Intake } from './intake.js';
import { LastGateway } from './last.gateway.js';
import { OriginRule } from './origin.js';
import { SessionHooks } from './session-hooks.js';
import { SocketEvents } from './socket-events.js';
import { SwitchboardGateway } from './switchboard.gateway.js';
import { TokenExpiry } from './token-expiry.js';
import { TokenRenewal } from './token-renewal.js';
import { Tokens } from './tokens.js';

@Module({
  providers: [
    Admission,
    ClientAddress,
    OriginRule,
    Tokens,
    TokenExpiry,
    TokenRenewal,
    Handshake,
    HandshakeRecord,
    HandlerTable,
    HandlerReplies,
    HandledMessages,
    Intake,
    FastLane,
    SocketEvents,
    Heartbeat,
    FrameDeadline,
    SessionHooks,
    LastGateway, // before the next, which would have its place otherwise
    SwitchboardGateway,
  ],
  exports: [Admission, Handshake, HandshakeRecord, HandlerTable, SocketEvents],
})
export class GatewayModule {}
