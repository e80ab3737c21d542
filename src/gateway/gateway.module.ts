import { Module } from '@nestjs/common';
import { FastLane } from './fast-lane.js';
import { HandlerReplies } from './handler-replies.js';
import { HandlerTable } from './handler-table.js';
import { Handshake } from './handshake.js';
import { Heartbeat } from './heartbeat.js';
import { Intake } from './intake.js';
import { LastGateway } from './last.gateway.js';
import { SocketEvents } from './socket-events.js';
import { SwitchboardGateway } from './switchboard.gateway.js';

@Module({
  providers: [
    Handshake,
    HandlerTable,
    HandlerReplies,
    Intake,
    FastLane,
    SocketEvents,
    Heartbeat,
    LastGateway, // before the next, which would have its place otherwise
    SwitchboardGateway,
  ],
  exports: [Handshake, HandlerTable, SocketEvents],
})
export class GatewayModule {}
