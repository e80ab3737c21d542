import { Catch, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { rejectRequest } from './rejection.js';

/** Answers a plain request to a path that is not there in the words an upgrade to it would get. */
@Catch(NotFoundException)
export class NotFoundFilter implements ExceptionFilter {
  catch(_: NotFoundException, host: ArgumentsHost): void {
    rejectRequest(host.switchToHttp().getResponse<ServerResponse>(), { code: 'not_found' });
  }
}
