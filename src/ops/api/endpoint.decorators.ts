import { applyDecorators, Controller, UseFilters, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiDefaultResponse, ApiExtraModels, ApiParam, ApiQuery, getSchemaPath } from '@nestjs/swagger';
import { ROOM_NAME } from '../../protocol/index.js';
import { ApiKeysGuard } from './api-keys.guard.js';
import { EXAMPLE_SESSION, ProblemDetails } from './api.dto.js';
import { ProblemFilter } from './problem.filter.js';
import { QueryParameters, QueryParametersGuard } from './query-parameters.guard.js';

/** Declares a controller of the HTTP API: its guards, its errors, and what the OpenAPI document says of both. */
export function ApiEndpoints(path: string): ClassDecorator {
  return applyDecorators(
    Controller(path),
    UseGuards(ApiKeysGuard, QueryParametersGuard),
    UseFilters(ProblemFilter),
    ApiBearerAuth(),
    ApiExtraModels(ProblemDetails),
    ApiDefaultResponse({
      description: 'Any error, as problem details (RFC 9457).',
      content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDetails) } } },
    }),
  );
}

/** Declares the query parameters of a list. */
export function Paged(): MethodDecorator {
  return applyDecorators(
    QueryParameters('after', 'limit'),
    ApiQuery({
      name: 'after',
      required: false,
      type: String,
      description: 'Skips the entries up to this one: the `next` of the page before.',
    }),
    ApiQuery({
      name: 'limit',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
      description: 'Entries on a page.',
    }),
  );
}

/** Describes the path parameter with the name of a room. */
export const RoomParam = (): MethodDecorator =>
  ApiParam({
    name: 'room',
    schema: { type: 'string', pattern: ROOM_NAME.source, example: 'garden' },
    description: 'The name of the room, without `#`.',
  });

/** Describes the path parameter with the id of a session. */
export const SessionParam = (): MethodDecorator =>
  ApiParam({
    name: 'id',
    schema: { type: 'string', example: EXAMPLE_SESSION },
    description: 'A session id: the `receiver` of a welcome.',
  });
