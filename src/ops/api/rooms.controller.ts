import { All, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiNoContentResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { RoomsPage, SessionsPage } from './api.dto.js';
import { ApiEndpoints, Paged, RoomParam, SessionParam } from './endpoint.decorators.js';
import { methodNotAllowed } from './problem.filter.js';
import { QueryParameters } from './query-parameters.guard.js';
import { RoomQueries } from './room-queries.js';

/** Lets other back ends list rooms and their members, and put sessions in and take them out. */
@ApiEndpoints('api/v1/rooms')
export class RoomsController {
  constructor(private readonly roomQueries: RoomQueries) {}

  @Get()
  @Paged()
  @ApiOperation({ summary: 'Lists the rooms that have members, in the order of their names.' })
  @ApiOkResponse({ type: RoomsPage })
  list(@Query('after') after?: string, @Query('limit') limit?: string): RoomsPage {
    return this.roomQueries.list(after, limit);
  }

  @Get(':room/sessions')
  @Paged()
  @RoomParam()
  @ApiOperation({ summary: 'Lists the members of a room; an empty list where there are none.' })
  @ApiOkResponse({ type: SessionsPage })
  members(
    @Param('room') room: string,
    @Query('after') after?: string,
    @Query('limit') limit?: string,
  ): Promise<SessionsPage> {
    return this.roomQueries.members(room, after, limit);
  }

  @Put(':room/sessions/:id')
  @QueryParameters()
  @HttpCode(204)
  @RoomParam()
  @SessionParam()
  @ApiOperation({ summary: 'Puts a session into a room. Changes nothing where it is a member.' })
  @ApiNoContentResponse({ description: 'The session is a member, and has got `sys.members`.' })
  join(@Param('room') room: string, @Param('id') id: string): Promise<void> {
    return this.roomQueries.join(room, id);
  }

  @Delete(':room/sessions/:id')
  @QueryParameters()
  @HttpCode(204)
  @RoomParam()
  @SessionParam()
  @ApiOperation({ summary: 'Takes a session out of a room. Changes nothing where it is no member.' })
  @ApiNoContentResponse({ description: 'The session is no member, and has got `sys.left` if it was one.' })
  leave(@Param('room') room: string, @Param('id') id: string): Promise<void> {
    return this.roomQueries.leave(room, id);
  }

  @All()
  @ApiExcludeEndpoint()
  onlyGet(): never {
    throw methodNotAllowed('GET, HEAD');
  }

  @All(':room/sessions')
  @ApiExcludeEndpoint()
  onlyGetMembers(): never {
    throw methodNotAllowed('GET, HEAD');
  }

  @All(':room/sessions/:id')
  @ApiExcludeEndpoint()
  onlyPutOrDelete(): never {
    throw methodNotAllowed('PUT, DELETE');
  }
}
