import { All, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiExcludeEndpoint,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
} from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MESSAGE_EXAMPLES, PostedMessage, PostedResult, SessionsPage, SessionView, Stats } from './api.dto.js';
import { ApiEndpoints, Paged, SessionParam } from './endpoint.decorators.js';
import { IdempotentPublisher } from './idempotent-publisher.js';
import { methodNotAllowed, NOT_FOUND } from './problem.filter.js';
import { QueryParameters } from './query-parameters.guard.js';
import { RequestBodies } from './request-body.js';
import { SessionQueries } from './session-queries.js';
import { StatsReader } from './stats-reader.js';

/**
 * Lets other back ends send messages, list sessions and close them over HTTP. Takes all other paths of the API, so it comes
 * after the other controllers.
 */
@ApiEndpoints('api/v1')
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
  @ApiOperation({ summary: 'Sends a message to a session, a user, a room or all sessions.' })
  @ApiBody({ type: PostedMessage, examples: MESSAGE_EXAMPLES })
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
  @Paged()
  @ApiOperation({ summary: 'Lists the sessions of all nodes, in the order of their ids.' })
  @ApiOkResponse({ type: SessionsPage })
  page(@Query('after') after?: string, @Query('limit') limit?: string): Promise<SessionsPage> {
    return this.sessionQueries.page(after, limit);
  }

  @Get('sessions/:id')
  @QueryParameters()
  @SessionParam()
  @ApiOperation({ summary: 'Describes a session.' })
  @ApiOkResponse({ type: SessionView })
  session(@Param('id') id: string): Promise<SessionView> {
    return this.sessionQueries.get(id);
  }

  @Delete('sessions/:id')
  @QueryParameters()
  @SessionParam()
  @ApiOperation({ summary: 'Closes a session with 4000.' })
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Closed with 4000.' })
  kick(@Param('id') id: string): Promise<void> {
    return this.sessionQueries.kick(id);
  }

  @Get('stats')
  @QueryParameters()
  @ApiOperation({ summary: 'Reads the most important counters of the node that answers.' })
  @ApiOkResponse({ type: Stats })
  stats(): Stats {
    return this.statsReader.read();
  }

  @All('messages')
  @ApiExcludeEndpoint()
  onlyPost(): never {
    throw methodNotAllowed('POST');
  }

  @All(['sessions', 'stats'])
  @ApiExcludeEndpoint()
  onlyGet(): never {
    throw methodNotAllowed('GET, HEAD');
  }

  @All('sessions/:id')
  @ApiExcludeEndpoint()
  onlyGetOrDelete(): never {
    throw methodNotAllowed('GET, HEAD, DELETE');
  }

  @All(['', '*path'])
  @ApiExcludeEndpoint()
  notFound(): never {
    throw NOT_FOUND;
  }
}
