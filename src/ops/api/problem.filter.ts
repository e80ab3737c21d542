import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { STATUS_CODES, type ServerResponse } from 'node:http';
import { MessageError } from '../../protocol/index.js';
import { Log } from '../../telemetry/log.js';

/** An error of the HTTP API, sent as problem details (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }
}

/** HTTP status of errors of the protocol; all others are 400. */
const ERROR_STATUS: Readonly<Record<string, number>> = {
  receiver_not_found: 404,
  receiver_overloaded: 503,
  too_many_rooms: 409,
  unavailable: 503,
};

export const NOT_FOUND = new Problem(404, 'not_found', 'There is nothing at this path.');

/** Makes the answer to a method that a path does not have. @param allow the methods that it has */
export function methodNotAllowed(allow: string): Problem {
  return new Problem(405, 'method_not_allowed', `Only ${allow} is allowed here.`, { Allow: allow });
}

export function sendProblem(response: ServerResponse, { status, code, detail, headers }: Problem): void {
  const body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, code, detail });
  response.writeHead(status, { ...headers, 'Content-Type': 'application/problem+json' });
  response.end(body);
}

/**
 * Answers every error of the API as `application/problem+json`. Details of an unexpected error are only logged, under
 * an incident.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const problem = this.#toProblem(error);
    const response = host.switchToHttp().getResponse<ServerResponse>();
    // Behind a proxy the peer is the proxy, whose log has the address of the caller.
    const { code, status } = problem;
    this.log.info('API request refused', {
      code,
      status,
      method: response.req.method,
      peer: response.socket?.remoteAddress,
    });
    sendProblem(response, problem);
  }

  #toProblem(error: unknown): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof MessageError) return new Problem(ERROR_STATUS[error.code] ?? 400, error.code, error.message);
    const incident = randomBytes(6).toString('hex');
    this.log.error(error, { incident });
    return new Problem(500, 'internal_error', `The server failed; see incident ${incident} in the log.`);
  }
}
