import { Module } from '@nestjs/common';
import { AdminGateway } from './admin.gateway.js';
import { CursorsGateway } from './cursors.gateway.js';
import { Database, DatabaseSession } from './database.js';
import { FileTransferGateway } from './file-transfer.gateway.js';
import { JobsGateway } from './jobs.gateway.js';
import { MatchmakingGateway } from './matchmaking.gateway.js';
import { OrdersGateway } from './orders.gateway.js';
import { PollGateway } from './poll.gateway.js';
import { PresenceGateway } from './presence.gateway.js';
import { RoomsGateway } from './rooms.gateway.js';
import { StockGateway } from './stock.gateway.js';
import { StreamsGateway } from './streams.gateway.js';
import { HashGateway } from './user-limit.gateway.js';

/** All gateways of the cookbook in one server. */
@Module({
  providers: [
    RoomsGateway,
    MatchmakingGateway,
    CursorsGateway,
    JobsGateway,
    PollGateway,
    PresenceGateway,
    HashGateway,
    StreamsGateway,
    FileTransferGateway,
    OrdersGateway,
    AdminGateway,
    Database,
    DatabaseSession,
    StockGateway,
  ],
})
export class CookbookModule {}
