import { Injectable } from '@nestjs/common';
import { SystemRequestHandler } from '../../messaging/system-request-handler.js';
import { MessageError, type ServerRequest } from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { Counters } from '../../telemetry/counters.js';
import { HandlerReplies } from './handler-replies.js';
import { SessionCalls } from './session-calls.js';

/**
 * Runs the system requests of clients. Some wait for a policy of the application or for the keys of tokens: a drain waits
 * for them, and the request of a session that another process takes up is answered before that.
 */
@Injectable()
export class SystemRequestRunner {
  constructor(
    private readonly systemRequests: SystemRequestHandler,
    private readonly replies: HandlerReplies,
    private readonly counters: Counters,
  ) {}

  /** @throws {MessageError} where the request is refused at once */
  run(session: Session, request: ServerRequest): void {
    const answered = this.systemRequests.answer(session, request);
    if (answered !== undefined) this.#await(session, request, answered);
  }

  #await(session: Session, { type, id }: ServerRequest, answered: Promise<void>): void {
    const { counters, replies } = this;
    counters.systemRequestsRunning++;
    const settled = answered
      .catch((error: unknown) => replies.failed(session, { type, id }, error))
      .finally(() => counters.systemRequestsRunning--);
    SessionCalls.of(session).addRequest(settled, () =>
      replies.error(session, type, MessageError.of('unavailable', id)),
    );
  }
}
