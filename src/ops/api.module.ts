import { Module } from '@nestjs/common';
import { ApiController } from './api.controller.js';
import { ApiKeysGuard } from './api-keys.guard.js';
import { Idempotency } from './idempotency.js';
import { OpsModule } from './ops.module.js';
import { KeptPosts } from './kept-posts.js';
import { ProblemFilter } from './problem.js';
import { ServerMessages } from './server-messages.js';
import { SessionViews } from './session-views.js';
import { StatsReader } from './stats-reader.js';

/** The HTTP API; part of the application only where `API_KEYS` is set. */
@Module({
  imports: [OpsModule],
  controllers: [ApiController],
  providers: [ApiKeysGuard, ProblemFilter, Idempotency, KeptPosts, ServerMessages, SessionViews, StatsReader],
})
export class ApiModule {}
