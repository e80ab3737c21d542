import { Injectable } from '@nestjs/common';
import { isObservable, tap, type Observable, type Subscription } from 'rxjs';
import { MessageError, type ServerRequest } from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { SlowConsumers } from '../../sessions/slow-consumers.js';
import { Settings } from '../../settings/settings.js';
import { Counters } from '../../telemetry/counters.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { isAbortOf, sessionLeft, timedOut } from './abort-reasons.js';
import { GeneratorReader } from './generator-reader.js';
import { guardListeners } from '../../telemetry/guarded-signal.js';
import { HandlerQueue, type CallRunner, type HandlerCall, type HandlerQueueServices } from './handler-queue.js';
import { HandlerReplies } from './handler-replies.js';
import { HandlerTable } from './handler-table.js';
import { HandlerTimeouts } from './handler-timeouts.js';
import { HandlerTurns } from './handler-turns.js';
import { isThenable } from '../thenable.js';
import { AwaitedValues } from './handler-values.js';
import { parseBody, rawBody } from './message-body.js';
import { OwnContext } from './own-context.js';
import { SessionCalls } from './session-calls.js';

/** Text of the `sys.error` that ends a stream. */
const STREAM_ENDED = 'This session reads too slowly and its buffer is full; the stream of answers ends.';

/** Runs the handlers of all sessions, each call within `HANDLER_TIMEOUT_MS`, and replies with the outcome. */
@Injectable()
export class HandlerRunner implements CallRunner {
  /** Reads the generators that handlers return. */
  readonly generators: GeneratorReader;
  readonly #timeouts: HandlerTimeouts<HandlerCall>;
  readonly #queueServices: HandlerQueueServices;
  readonly #context = new OwnContext();
  readonly #running = (call: HandlerCall): ReturnType<CallRunner['run']> => this.#run(call);
  readonly #answering = (call: HandlerCall, outcome: unknown): Promise<void> | undefined => this.#answer(call, outcome);

  constructor(
    private readonly table: HandlerTable,
    private readonly replies: HandlerReplies,
    private readonly counters: Counters,
    slowConsumers: SlowConsumers,
    { handlerTimeoutMs, handlerQueueBytes }: Settings,
  ) {
    const turns = new HandlerTurns(); // divides the calls, and the values of generators, over turns of the event loop
    this.generators = new GeneratorReader(turns, slowConsumers);
    this.#timeouts = new HandlerTimeouts(handlerTimeoutMs, {
      timedOut: ({ values, abort }, { message }) => {
        // In this order, because an abort may complete the values.
        values?.unsubscribe();
        abort?.abort(timedOut(message));
      },
      failedLate: (call, error) => this.#failedLate(call, error),
    });
    this.#queueServices = {
      runner: this,
      counters,
      turns,
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
    const handler = this.table.handler(request.type);
    if (handler === undefined) return false;
    const calls = SessionCalls.of(session);
    (calls.queue ??= new HandlerQueue(session, this.#queueServices)).add(socket, request, handler, heldBytes);
    return true;
  }

  /** Runs a call in an async context of its own, because a handler may set a store for all that follows. */
  run(call: HandlerCall): ReturnType<CallRunner['run']> {
    return this.#context.run(this.#running, call);
  }

  abandoned(call: HandlerCall): void {
    this.replies.error(call.session, call.type, MessageError.of('unavailable', call.id));
  }

  #run(call: HandlerCall): ReturnType<CallRunner['run']> {
    const startMs = performance.now();
    try {
      const outcome = this.#begin(call);
      if (isThenable(outcome) || outcome instanceof AwaitedValues || isObservable(outcome))
        return this.#settle(call, Promise.resolve(outcome), startMs);
      void this.#answer(call, outcome);
    } catch (error) {
      this.#failed(call, error);
    }
    this.#count(call, startMs);
    return undefined;
  }

  /** Replies with an outcome that must be awaited. */
  async #settle(call: HandlerCall, outcome: Promise<unknown>, startMs: number): Promise<Subscription | undefined> {
    try {
      await this.#timeouts.withinBoth(call, outcome, this.#answering);
    } catch (error) {
      this.#failed(call, error);
    }
    this.#count(call, startMs);
    return call.values;
  }

  #failed(call: HandlerCall, error: unknown): void {
    const { session } = call;
    if (!session.closed || !isAbortOf(call.abort?.signal, error)) this.replies.failed(session, call, error);
  }

  #count({ type }: HandlerCall, startMs: number): void {
    this.counters.handled(type, (performance.now() - startMs) / 1000);
  }

  #begin(call: HandlerCall): unknown {
    const body = call.handler.takesText === true ? rawBody(call) : parseBody(call);
    call.data = undefined; // the body is the only copy from now on
    if (call.handler.takesSignal === true) {
      call.abort = new AbortController();
      guardListeners(call.abort.signal, (error) => this.#failedLate(call, error));
    }
    return call.handler(body, call.type, call.client, call.abort?.signal, call.receiver);
  }

  /** Replies with a value, or with each value that an observable emits; waits for the first of awaited values. */
  #answer(call: HandlerCall, outcome: unknown): Promise<void> | undefined {
    const { session } = call;
    const isAwaited = outcome instanceof AwaitedValues;
    if (isAwaited || isObservable(outcome)) {
      if (session.closed) return undefined;
      if (isAwaited) return new Promise((begun) => this.#reply(call, outcome.values, begun));
      this.#reply(call, outcome);
      return undefined;
    }
    this.replies.value(session, call, outcome);
    this.replies.done(session, call);
    return undefined;
  }

  /**
   * Replies with each value. A value over `OUTBOX_HIGH_WATER_BYTES` ends an observable, which cannot wait. The first
   * value is sent as a single answer is.
   *
   * @param begun called with the first value, or with the end where there is no value
   */
  #reply(call: HandlerCall, values: Observable<unknown>, begun?: () => void): void {
    const { session } = call;
    // Replies in `tap`, because a value that cannot be sent must end the observable like its own failure.
    let isFirst = true;
    const sent = tap((value) => {
      begun?.();
      if (value === undefined || value === null) return;
      if (!isFirst && session.outbox.overloaded) throw new MessageError('receiver_overloaded', STREAM_ENDED, call.id);
      isFirst = false;
      this.replies.value(session, call, value);
    });
    call.values = values.pipe(sent).subscribe({
      error: (error: unknown) => this.replies.failed(session, call, error),
      complete: () => this.replies.done(session, call),
    });
    call.values.add(begun);
    const { abort } = call;
    if (abort !== undefined)
      call.values.add(() => {
        if (session.closed) abort.abort(sessionLeft());
      });
  }

  #failedLate(call: HandlerCall, error: unknown): void {
    if (!isAbortOf(call.abort?.signal, error)) this.replies.failedLate(call.session, call, error);
  }
}
