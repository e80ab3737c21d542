import {
  All,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiExcludeEndpoint,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiQuery,
} from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiKeysGuard } from './api-keys.guard.js';
import { PostedResult, PostedMessage, SessionsPage, SessionView, Stats } from './api.dto.js';
import { IdempotentPublisher } from './idempotent-publisher.js';
import { NOT_FOUND, Problem, ProblemFilter } from './problem.filter.js';
import { QueryParameters, QueryParametersGuard } from './query-parameters.guard.js';
import { RequestBodies } from './request-body.js';
import { SessionQueries } from './session-queries.js';
import { StatsReader } from './stats-reader.js';

/** Lets other back ends send messages, list sessions and close them over HTTP. */
@Controller('api/v1')
@UseGuards(ApiKeysGuard, QueryParametersGuard)
@UseFilters(ProblemFilter)
@ApiBearerAuth()
export class ApiController {
  constructor(
    private readonly publisher: IdempotentPublisher,
    private readonly sessionQueries: SessionQueries,
    private readonly statsReader: StatsReader,
    private readonly requestBodies: RequestBodies,
  ) {}

  @Post('messages')
  @QueryParameters()
  @HttpCode(200)
  @ApiBody({ type: PostedMessage })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'Runs the request only once in 10 minutes.',
  })
  @ApiOkResponse({ type: PostedResult })
  async post(
    @Req() request: IncomingMessage,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<PostedResult> {
    const { authorization = '', 'idempotency-key': key } = request.headers;
    const { answer, replayed } = await this.requestBodies.withJson(request, (body) =>
      this.publisher.publish(key?.toString(), authorization, body),
    );
    if (replayed) response.setHeader('Idempotency-Replayed', 'true');
    return answer;
  }

  @Get('sessions')
  @QueryParameters('after', 'limit')
  @ApiQuery({ name: 'after', required: false, type: String })
  @ApiQuery({ name: 'limit', required: false, type: Number })
  @ApiOkResponse({ type: SessionsPage })
  page(@Query('after') after?: string, @Query('limit') limit?: string): Promise<SessionsPage> {
    return this.sessionQueries.page(after, limit);
  }

  @Get('sessions/:id')
  @QueryParameters()
  @ApiOkResponse({ type: SessionView })
  session(@Param('id') id: string): Promise<SessionView> {
    return this.sessionQueries.get(id);
  }

  @Delete('sessions/:id')
  @QueryParameters()
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Closed with 4000.' })
  kick(@Param('id') id: string): Promise<void> {
    return this.sessionQueries.kick(id);
  }

  @Get('stats')
  @QueryParameters()
  @ApiOkResponse({ type: Stats })
  stats(): Stats {
    return this.statsReader.read();
  }

  @All('messages')
  @ApiExcludeEndpoint()
  onlyPost(): never {
    throw notAllowed('POST');
  }

  @All(['sessions', 'stats'])
  @ApiExcludeEndpoint()
  onlyGet(): never {
    throw notAllowed('GET, HEAD');
  }

  @All('sessions/:id')
  @ApiExcludeEndpoint()
  onlyGetOrDelete(): never {
    throw notAllowed('GET, HEAD, DELETE');
  }

  @All(['', '*path'])
  @ApiExcludeEndpoint()
  notFound(): never {
    throw NOT_FOUND;
  }
}

function notAllowed(allow: string): Problem {
  return new Problem(405, 'method_not_allowed', `Only ${allow} is allowed here.`, { Allow: allow });
}
