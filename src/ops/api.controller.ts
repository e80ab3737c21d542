import {
  All,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
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
import { Settings } from '../settings/settings.js';
import { ApiKeysGuard } from './api-keys.guard.js';
import { PostedAnswer, PostedMessage, SessionsPage, SessionView, Stats } from './api.dto.js';
import { Idempotency } from './idempotency.js';
import { NOTHING_THERE, Problem, ProblemFilter } from './problem.js';
import { readJson } from './request-body.js';
import { ServerMessages } from './server-messages.js';
import { SessionViews } from './session-views.js';
import { StatsReader } from './stats-reader.js';

/** What other back ends may do over HTTP: speak to sessions, see them and end them. */
@Controller('api/v1')
@UseGuards(ApiKeysGuard)
@UseFilters(ProblemFilter)
@ApiBearerAuth()
export class ApiController {
  constructor(
    @Inject(ServerMessages) private readonly messages: ServerMessages,
    @Inject(SessionViews) private readonly sessions: SessionViews,
    @Inject(StatsReader) private readonly statistics: StatsReader,
    @Inject(Idempotency) private readonly idempotency: Idempotency<PostedAnswer>,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  @Post('messages')
  @HttpCode(200)
  @ApiBody({ type: PostedMessage })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'Does the same request only once in 10 minutes.',
  })
  @ApiOkResponse({ type: PostedAnswer })
  async post(
    @Req() request: IncomingMessage,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<PostedAnswer> {
    const body = await readJson(request, this.settings.maxMessageBytes);
    const { authorization = '', 'idempotency-key': key } = request.headers;
    const work = (): PostedAnswer => this.messages.post(body);
    const { answer, replayed } = this.idempotency.once(key?.toString(), authorization, body, work);
    if (replayed) response.setHeader('Idempotency-Replayed', 'true');
    return answer;
  }

  @Get('sessions')
  @ApiQuery({ name: 'after', required: false, type: String })
  @ApiQuery({ name: 'limit', required: false, type: Number })
  @ApiOkResponse({ type: SessionsPage })
  page(@Query('after') after: unknown, @Query('limit') limit: unknown): SessionsPage {
    return this.sessions.page(after, limit);
  }

  @Get('sessions/:id')
  @ApiOkResponse({ type: SessionView })
  session(@Param('id') id: string): SessionView {
    return this.sessions.one(id);
  }

  @Delete('sessions/:id')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Closed with 4000.' })
  kick(@Param('id') id: string): void {
    this.sessions.kick(id);
  }

  @Get('stats')
  @ApiOkResponse({ type: Stats })
  stats(): Stats {
    return this.statistics.read();
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
  nothing(): never {
    throw NOTHING_THERE;
  }
}

function notAllowed(allow: string): Problem {
  return new Problem(405, 'method_not_allowed', `Only ${allow} is allowed here.`, { Allow: allow });
}
