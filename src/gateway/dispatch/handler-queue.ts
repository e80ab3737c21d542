import type { Subscription } from 'rxjs';
import { MessageError, MAX_WAITING_CALLS, type Envelope } from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import type { Counters } from '../../telemetry/counters.js';
import type { MessageHandlerCallback } from './handler-table.js';

/** `retryAfterMs` of the error that a full queue answers. */
const RETRY_AFTER_MS = 1000;

export interface HandlerCall {
  readonly envelope: Envelope;
  readonly handler: MessageHandlerCallback;
}

/** Runs one handler call; `HandlerRunner` implements it. */
export interface CallRunner {
  /**
   * Settles when the handler has. Never rejects.
   *
   * @returns the subscription of an observable that still emits replies
   */
  run(session: Session, call: HandlerCall): Promise<Subscription | undefined>;
}

/**
 * Queues the handler calls of one session: one runs at a time, in order, and at most {@link MAX_WAITING_CALLS} wait. An
 * observable frees the queue once it is subscribed; at most {@link MAX_WAITING_CALLS} observables emit at a time.
 */
export class HandlerQueue {
  readonly #waiting: HandlerCall[] = [];
  readonly #streams = new Set<Subscription>();
  #running = false;

  constructor(
    private readonly session: Session,
    private readonly runner: CallRunner,
    private readonly counters: Counters,
  ) {}

  /** @throws {MessageError} `rate_limited` when the queue is full */
  add(envelope: Envelope, handler: MessageHandlerCallback): void {
    if (this.#waiting.length >= MAX_WAITING_CALLS || this.#streams.size >= MAX_WAITING_CALLS)
      throw MessageError.of('rate_limited', envelope.id, { retryAfterMs: RETRY_AFTER_MS });
    this.#waiting.push({ envelope, handler });
    if (!this.#running) void this.#run();
  }

  /** Drops the waiting calls and unsubscribes from all observables, because the session has closed. */
  drop(): void {
    this.#waiting.length = 0;
    for (const stream of this.#streams) this.#unsubscribe(stream);
    this.#streams.clear();
  }

  async #run(): Promise<void> {
    this.#running = true;
    this.counters.handlersRunning++;
    while (this.#waiting.length > 0) {
      // A session may close long before its socket, because a client may leave the close frame unanswered.
      if (this.session.closed) this.#waiting.length = 0;
      else this.#keep(await this.runner.run(this.session, this.#waiting.shift()!));
    }
    this.counters.handlersRunning--;
    this.#running = false;
  }

  #keep(stream: Subscription | undefined): void {
    if (stream === undefined || stream.closed) return;
    if (this.session.closed) return this.#unsubscribe(stream);
    this.#streams.add(stream);
    stream.add(() => this.#streams.delete(stream));
  }

  /** Unsubscribes from an observable, whose own code may throw then. */
  #unsubscribe(stream: Subscription): void {
    try {
      stream.unsubscribe();
    } catch (error) {
      this.session.fail(error);
    }
  }
}
