import { Module } from '@nestjs/common';
import { NodeModule } from '../../node/node.module.js';
import { Idempotency } from './idempotency.js';
import { OpsModule } from '../ops.module.js';
import { IdempotentPublisher } from './idempotent-publisher.js';
import { ApiPublisher } from './api-publisher.js';
import { RequestBodies } from './request-body.js';
import { RoomQueries } from './room-queries.js';
import { SessionQueries } from './session-queries.js';
import { StatsReader } from './stats-reader.js';
import { UserQueries } from './user-queries.js';

/** Provides the services of the HTTP API, which is served only where `API_KEYS` is set. */
@Module({
  imports: [NodeModule, OpsModule],
  providers: [
    RequestBodies,
    Idempotency,
    IdempotentPublisher,
    ApiPublisher,
    SessionQueries,
    RoomQueries,
    UserQueries,
    StatsReader,
  ],
})
export class ApiModule {}
