import { Injectable } from '@nestjs/common';
import { isObservable, tap, type Observable, type Subscription } from 'rxjs';
import type { Envelope } from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { Settings } from '../../settings/settings.js';
import { Counters } from '../../telemetry/counters.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { HandlerQueue, type CallRunner, type HandlerCall } from './handler-queue.js';
import { HandlerReplies } from './handler-replies.js';
import { HandlerTable } from './handler-table.js';
import { HandlerTimeouts } from './handler-timeouts.js';
import { parseBody } from './message-body.js';

/** Runs the handlers of all sessions, each call within `HANDLER_TIMEOUT_MS`, and replies with the outcome. */
@Injectable()
export class HandlerRunner implements CallRunner {
  readonly #timeouts: HandlerTimeouts;

  constructor(
    private readonly table: HandlerTable,
    private readonly replies: HandlerReplies,
    private readonly counters: Counters,
    settings: Settings,
  ) {
    this.#timeouts = new HandlerTimeouts(settings.handlerTimeoutMs);
  }

  /**
   * Queues a message whose type a handler claims; returns `false` where no handler does.
   *
   * @throws {MessageError} `rate_limited` when the session's queue is full
   */
  enqueue(socket: GatewaySocket, session: Session, envelope: Envelope): boolean {
    const index = this.table.index(envelope.type);
    if (index === undefined) return false;
    socket.queue ??= new HandlerQueue(session, this, this.counters);
    socket.queue.add(envelope, socket.handlers[index]!);
    return true;
  }

  async run(session: Session, { envelope, handler }: HandlerCall): Promise<Subscription | undefined> {
    const startMs = performance.now();
    let stream: Subscription | undefined;
    try {
      const outcome = await this.#timeouts.within(handler(parseBody(envelope), envelope.type));
      if (isObservable(outcome)) stream = this.#subscribe(session, envelope, outcome);
      else {
        this.replies.value(session, envelope, outcome);
        this.replies.done(session, envelope);
      }
    } catch (error) {
      this.replies.failed(session, envelope, error);
    }
    this.counters.handled(envelope.type, (performance.now() - startMs) / 1000);
    return stream;
  }

  /** Replies with each value that the observable emits. */
  #subscribe(session: Session, envelope: Envelope, values: Observable<unknown>): Subscription | undefined {
    if (session.closed) return undefined;
    // Replies in `tap`, because a value that cannot be sent must end the observable like its own failure.
    return values.pipe(tap((value) => this.replies.value(session, envelope, value))).subscribe({
      error: (error: unknown) => this.replies.failed(session, envelope, error),
      complete: () => this.replies.done(session, envelope),
    });
  }
}
