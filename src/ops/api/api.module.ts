import { Module } from '@nestjs/common';
import { NodeModule } from '../../node/node.module.js';
import { ApiController } from './api.controller.js';
import { ApiKeysGuard } from './api-keys.guard.js';
import { Idempotency } from './idempotency.js';
import { OpsModule } from '../ops.module.js';
import { IdempotentPublisher } from './idempotent-publisher.js';
import { ProblemFilter } from './problem.filter.js';
import { QueryParametersGuard } from './query-parameters.guard.js';
import { ApiPublisher } from './api-publisher.js';
import { RequestBodies } from './request-body.js';
import { SessionQueries } from './session-queries.js';
import { StatsReader } from './stats-reader.js';

/** Provides the HTTP API; part of the application only where `API_KEYS` is set. */
@Module({
  imports: [NodeModule, OpsModule],
  controllers: [ApiController],
  providers: [
    ApiKeysGuard,
    QueryParametersGuard,
    ProblemFilter,
    RequestBodies,
    Idempotency,
    IdempotentPublisher,
    ApiPublisher,
    SessionQueries,
    StatsReader,
  ],
})
export class ApiModule {}
