import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { STATUS_CODES, type ServerResponse } from 'node:http';
import { MessageError } from '../../protocol/index.js';
import { Log } from '../../telemetry/log.js';

/** What the HTTP API says no with (RFC 9457). */
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

/** Faults that are not the caller's; every other one is answered 400. */
const FAULT_STATUS: Readonly<Record<string, number>> = {
  receiver_not_found: 404,
  receiver_overloaded: 503,
  unavailable: 503,
};

export const NOT_FOUND = new Problem(404, 'not_found', 'There is nothing at this path.');

export function sendProblem(response: ServerResponse, { status, code, detail, headers }: Problem): void {
  const body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, code, detail });
  response.writeHead(status, { ...headers, 'Content-Type': 'application/problem+json' });
  response.end(body);
}

/** Answers whatever the API throws as `application/problem+json`; what only the log may know bears an incident. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const problem = this.#problem(error);
    const response = host.switchToHttp().getResponse<ServerResponse>();
    // The peer is the proxy where there is one: its own log has the caller's address.
    const { code, status } = problem;
    this.log.info('API request refused', {
      code,
      status,
      method: response.req.method,
      peer: response.socket?.remoteAddress,
    });
    sendProblem(response, problem);
  }

  #problem(error: unknown): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof MessageError) return new Problem(FAULT_STATUS[error.code] ?? 400, error.code, error.message);
    const incident = randomBytes(6).toString('hex');
    this.log.error(error instanceof Error ? error : String(error), { incident });
    return new Problem(500, 'internal_error', `The server failed; the log has the incident ${incident}.`);
  }
}
