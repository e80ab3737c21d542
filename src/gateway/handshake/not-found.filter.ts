import { Catch, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { rejectRequest } from './rejection.js';

/** Answers a plain request to an unknown path with the same body as an upgrade request to an unknown path. */
@Catch(NotFoundException)
export class NotFoundFilter implements ExceptionFilter {
  catch(_: NotFoundException, host: ArgumentsHost): void {
    rejectRequest(host.switchToHttp().getResponse<ServerResponse>(), { code: 'not_found' });
  }
}
