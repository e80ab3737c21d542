import { All, Delete, Get, Param, Query } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import { ClosedSessions, SessionsPage } from './api.dto.js';
import { ApiEndpoints, Paged } from './endpoint.decorators.js';
import { methodNotAllowed } from './problem.filter.js';
import { QueryParameters } from './query-parameters.guard.js';
import { UserQueries } from './user-queries.js';

const UserParam = (): MethodDecorator =>
  ApiParam({
    name: 'user',
    schema: { type: 'string', example: 'ann' },
    description: 'The `sub` of the tokens of the user, without `@`, percent-encoded.',
  });

/** Lets other back ends list the sessions of a user, and close them all. */
@ApiEndpoints('api/v1/users')
export class UsersController {
  constructor(private readonly userQueries: UserQueries) {}

  @Get(':user/sessions')
  @Paged()
  @UserParam()
  @ApiOperation({ summary: 'Lists the sessions of a user on all nodes; an empty list where there are none.' })
  @ApiOkResponse({ type: SessionsPage })
  sessions(
    @Param('user') user: string,
    @Query('after') after?: string,
    @Query('limit') limit?: string,
  ): Promise<SessionsPage> {
    return this.userQueries.sessions(user, after, limit);
  }

  @Delete(':user/sessions')
  @QueryParameters()
  @UserParam()
  @ApiOperation({ summary: 'Closes all sessions of a user on all nodes with 4000.' })
  @ApiOkResponse({ type: ClosedSessions })
  close(@Param('user') user: string): Promise<ClosedSessions> {
    return this.userQueries.close(user);
  }

  @All(':user/sessions')
  @ApiExcludeEndpoint()
  onlyGetOrDelete(): never {
    throw methodNotAllowed('GET, HEAD, DELETE');
  }
}
