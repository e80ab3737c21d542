import { Catch, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { rejectRequest } from '../http/rejection.js';

/** Answers a request to an unknown path with the body that an upgrade to that path gets. */
@Catch(NotFoundException)
export class NotFoundFilter implements ExceptionFilter {
  catch(_: NotFoundException, host: ArgumentsHost): void {
    rejectRequest(host.switchToHttp().getResponse<ServerResponse>(), { code: 'not_found' });
  }
}
