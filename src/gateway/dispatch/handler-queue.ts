import { isObservable, tap, type Observable, type Subscription } from 'rxjs';
import { MessageError, MAX_HANDLED_DEPTH, MAX_WAITING_CALLS, type Envelope } from '../../protocol/index.js';
import type { HandlerTimeouts } from './handler-timeouts.js';
import type { HandlerReplies } from './handler-replies.js';
import type { GatewaySocket } from '../gateway-socket.js';
import type { MessageHandlerCallback } from './handler-table.js';
import { nestsDeeper } from './nesting.js';

/** What a waiting message is told to wait before it tries again. */
const RETRY_AFTER_MS = 1000;

interface Call {
  readonly envelope: Envelope;
  readonly handler: MessageHandlerCallback;
}

/**
 * The handled messages of one session: one runs at a time, in order, at most {@link MAX_WAITING_CALLS} wait. An
 * observable frees the queue once it is subscribed; as many may be answering at a time as may wait.
 */
export class HandlerQueue {
  readonly #waiting: Call[] = [];
  readonly #streams = new Set<Subscription>();
  #running = false;

  constructor(
    private readonly socket: GatewaySocket,
    private readonly replies: HandlerReplies,
    private readonly handlerTimeouts: HandlerTimeouts,
  ) {}

  /** @throws {MessageError} `rate_limited` when the queue is full */
  add(envelope: Envelope, handler: MessageHandlerCallback): void {
    if (this.#waiting.length >= MAX_WAITING_CALLS || this.#streams.size >= MAX_WAITING_CALLS)
      throw MessageError.of('rate_limited', envelope.id, { retryAfterMs: RETRY_AFTER_MS });
    this.#waiting.push({ envelope, handler });
    if (!this.#running) void this.#run();
  }

  /** Drops what waits and stops what still answers: the session has ended. */
  drop(): void {
    this.#waiting.length = 0;
    for (const stream of this.#streams) stream.unsubscribe();
    this.#streams.clear();
  }

  async #run(): Promise<void> {
    this.#running = true;
    this.replies.counters.handlersRunning++;
    while (this.#waiting.length > 0) {
      // A session may end well before its socket closes: where the client does not answer the close frame.
      if (this.#session.closed) this.#waiting.length = 0;
      else await this.#call(this.#waiting.shift()!);
    }
    this.replies.counters.handlersRunning--;
    this.#running = false;
  }

  async #call({ envelope, handler }: Call): Promise<void> {
    const startMs = performance.now();
    try {
      const outcome = await this.handlerTimeouts.within(handler(bodyOf(envelope), envelope.type));
      if (isObservable(outcome)) this.#stream(envelope, outcome);
      else {
        this.replies.value(this.#session, envelope, outcome);
        this.replies.done(this.#session, envelope);
      }
    } catch (error) {
      this.replies.failed(this.#session, envelope, error);
    }
    this.replies.counters.handled(envelope.type, (performance.now() - startMs) / 1000);
  }

  /** Answers each value in turn; the queue goes on meanwhile. */
  #stream(envelope: Envelope, values: Observable<unknown>): void {
    if (this.#session.closed) return;
    // A value that cannot be sent fails in `tap`, and so ends the stream like a failure of its own.
    const stream = values.pipe(tap((value) => this.replies.value(this.#session, envelope, value))).subscribe({
      error: (error: unknown) => this.replies.failed(this.#session, envelope, error),
      complete: () => this.replies.done(this.#session, envelope),
    });
    if (stream.closed) return;
    this.#streams.add(stream);
    stream.add(() => this.#streams.delete(stream));
  }

  get #session() {
    return this.socket.session!;
  }
}

/** @throws {MessageError} `invalid_message` when it is so deep that what walks through it would overflow the stack */
function bodyOf({ data, id }: Envelope): unknown {
  if (data === undefined) return undefined;
  if (nestsDeeper(data, MAX_HANDLED_DEPTH))
    throw new MessageError('invalid_message', `data is nested more than ${MAX_HANDLED_DEPTH} levels deep`, id);
  return JSON.parse(data);
}
