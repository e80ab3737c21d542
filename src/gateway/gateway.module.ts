import { Module } from '@nestjs/common';
import { FastLane } from './fast-lane.js';
import { HandlerReplies } from './handler-replies.js';
import { HandlerTable } from './handler-table.js';
import { HandshakeRecord } from './handshake-record.js';
import { Handshake } from './handshake.js';
import { Heartbeat } from './heartbeat.js';
import { Intake } from './intake.js';
import { SocketEvents } from './socket-events.js';
import { SwitchboardGateway } from './switchboard.gateway.js';

@Module({
  providers: [
    Handshake,
    HandshakeRecord,
    HandlerTable,
    HandlerReplies,
    Intake,
    FastLane,
    SocketEvents,
    Heartbeat,
    SwitchboardGateway,
  ],
  exports: [Handshake, HandshakeRecord, HandlerTable, SocketEvents],
})
export class GatewayModule {}
