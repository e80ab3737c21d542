import { Injectable } from '@nestjs/common';
import { isObservable, tap, type Observable, type Subscription } from 'rxjs';
import type { ServerRequest } from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { SlowConsumers } from '../../sessions/slow-consumers.js';
import { Settings } from '../../settings/settings.js';
import { Counters } from '../../telemetry/counters.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { HandlerQueue, type CallRunner, type HandlerCall, type HandlerQueueServices } from './handler-queue.js';
import { HandlerReplies } from './handler-replies.js';
import { HandlerTable } from './handler-table.js';
import { HandlerTurns } from './handler-turns.js';
import { HandlerTimeouts } from './handler-timeouts.js';
import { parseBody, rawBody } from './message-body.js';

/** Runs the handlers of all sessions, each call within `HANDLER_TIMEOUT_MS`, and replies with the outcome. */
@Injectable()
export class HandlerRunner implements CallRunner {
  readonly #timeouts: HandlerTimeouts;
  readonly #queueServices: HandlerQueueServices;

  constructor(
    private readonly table: HandlerTable,
    private readonly replies: HandlerReplies,
    private readonly counters: Counters,
    slowConsumers: SlowConsumers,
    { handlerTimeoutMs, handlerQueueBytes }: Settings,
  ) {
    this.#timeouts = new HandlerTimeouts(handlerTimeoutMs);
    this.#queueServices = {
      runner: this,
      counters,
      turns: new HandlerTurns(),
      slowConsumers,
      maxBytes: handlerQueueBytes,
    };
  }

  /**
   * Queues a message whose type a handler claims; returns `false` where no handler does.
   *
   * @param heldBytes size of the message in memory
   * @throws {MessageError} `rate_limited` when the session's queue is full
   */
  enqueue(socket: GatewaySocket, session: Session, request: ServerRequest, heldBytes: number): boolean {
    const index = this.table.index(request.type);
    if (index === undefined) return false;
    socket.queue ??= new HandlerQueue(session, this.#queueServices);
    socket.queue.add(request, socket.handlers[index]!, heldBytes);
    return true;
  }

  async run(session: Session, call: HandlerCall): Promise<Subscription | undefined> {
    const startMs = performance.now();
    let stream: Subscription | undefined;
    try {
      const body = this.table.takesText(call.type) ? rawBody(call) : parseBody(call);
      call.data = undefined; // the body is the only copy from now on
      const outcome = await this.#timeouts.within(call.handler(body, call.type));
      if (isObservable(outcome)) stream = this.#subscribe(session, call, outcome);
      else {
        this.replies.value(session, call, outcome);
        this.replies.done(session, call);
      }
    } catch (error) {
      this.replies.failed(session, call, error);
    }
    this.counters.handled(call.type, (performance.now() - startMs) / 1000);
    return stream;
  }

  /** Replies with each value that the observable emits. */
  #subscribe(session: Session, call: HandlerCall, values: Observable<unknown>): Subscription | undefined {
    if (session.closed) return undefined;
    // Replies in `tap`, because a value that cannot be sent must end the observable like its own failure.
    return values.pipe(tap((value) => this.replies.value(session, call, value))).subscribe({
      error: (error: unknown) => this.replies.failed(session, call, error),
      complete: () => this.replies.done(session, call),
    });
  }
}
