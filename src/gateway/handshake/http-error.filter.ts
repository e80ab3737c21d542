import {
  BadRequestException,
  Catch,
  NotFoundException,
  ServiceUnavailableException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Log } from '../../telemetry/log.js';
import { rejectRequest, sendJson } from '../http/rejection.js';

/** Answers all errors of plain HTTP in the one JSON form. The HTTP API has a filter of its own. */
@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<ServerResponse>();
    if (response.headersSent) return void response.destroy();
    // Nest makes a bad request of a path whose escapes are not UTF-8. No path has such a name.
    if (error instanceof NotFoundException || error instanceof BadRequestException)
      return rejectRequest(response, { code: 'not_found' });
    // The report of an unhealthy node is the answer of a health check.
    if (error instanceof ServiceUnavailableException) return sendJson(response, 503, error.getResponse());
    const incident = randomBytes(6).toString('hex');
    this.log.error(error instanceof Error ? error : String(error), { incident });
    const message = `The server failed; the log has the incident ${incident}.`;
    sendJson(response, 500, { error: { code: 'internal_error', message } });
  }
}
