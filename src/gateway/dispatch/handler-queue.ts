import type { Subscription } from 'rxjs';
import { MessageError, MAX_WAITING_CALLS, type ServerRequest } from '../../protocol/index.js';
import type { Connection } from '../../sessions/connection.js';
import type { SessionWork } from '../../sessions/session-work.js';
import type { Session } from '../../sessions/session.js';
import type { SlowConsumers } from '../../sessions/slow-consumers.js';
import type { Counters } from '../../telemetry/counters.js';
import { sessionLeft } from './abort-reasons.js';
import type { MessageHandlerCallback } from './handler-table.js';
import type { HandlerTurns, TurnTaker } from './handler-turns.js';
import { isThenable } from '../thenable.js';

/** `retryAfterMs` of the error that a full queue answers. */
const RETRY_AFTER_MS = 1000;
/** Counted for each call beside its text, because short messages take memory too. */
const CALL_BYTES = 256;

/** A handled message that waits or runs. */
export interface HandlerCall extends ServerRequest {
  readonly session: Session;
  /** The socket by which the message came; the session may have another one by now. */
  readonly client: Connection;
  /** The only copy of the message; `undefined` once it is parsed. */
  data: string | undefined;
  readonly handler: MessageHandlerCallback;
  /** Counted for the session until the call is done. */
  readonly heldBytes: number;
  /** Aborts the signal of `@Abort()`. Written by the runner, for a handler that takes the signal. */
  abort: AbortController | undefined;
  /** The values that the handler emits. Written by the runner. */
  values: Subscription | undefined;
}

/** Runs one handler call; `HandlerRunner` implements it. */
export interface CallRunner {
  /**
   * Runs the call. Never throws. Returns a promise where the call must be awaited, which never rejects.
   *
   * @returns the subscription of an observable that still emits replies
   */
  run(call: HandlerCall): Subscription | undefined | Promise<Subscription | undefined>;
  /** Answers a call with `unavailable`, because the process ends before the call does. */
  abandoned(call: HandlerCall): void;
}

/** Services and limits that all handler queues of a process share. */
export interface HandlerQueueServices {
  readonly runner: CallRunner;
  readonly counters: Counters;
  readonly turns: HandlerTurns;
  readonly slowConsumers: Pick<SlowConsumers, 'hold' | 'release' | 'forget'>;
  /** `HANDLER_QUEUE_BYTES`. */
  readonly maxBytes: number;
}

/**
 * Queues the handler calls of one session: one runs at a time, in order, and at most {@link MAX_WAITING_CALLS} wait. An
 * observable frees the queue once it is subscribed; at most {@link MAX_WAITING_CALLS} observables emit at a time. The
 * bytes of all of them are counted for the session and bounded; a single message of any length is queued. A call that
 * awaits nothing runs at once, without a promise.
 */
export class HandlerQueue implements SessionWork, TurnTaker {
  readonly #waiting: HandlerCall[] = [];
  /** The observables that still emit, and their calls. */
  readonly #streams = new Map<Subscription, HandlerCall>();
  #current: HandlerCall | undefined;
  #running = false;

  constructor(
    private readonly session: Session,
    private readonly services: HandlerQueueServices,
  ) {}

  /**
   * @param messageBytes size of the message in memory
   * @throws {MessageError} `rate_limited` when the queue is full
   */
  add(
    client: Connection,
    { type, id, receiver, data }: ServerRequest,
    handler: MessageHandlerCallback,
    messageBytes: number,
  ): void {
    const heldBytes = messageBytes + CALL_BYTES;
    if (this.#isFull(heldBytes)) throw MessageError.of('rate_limited', id, { retryAfterMs: RETRY_AFTER_MS });
    this.services.slowConsumers.hold(this.session, heldBytes);
    const { session } = this;
    const call = { session, client, type, id, receiver, data, handler, heldBytes, abort: undefined, values: undefined };
    this.#waiting.push(call);
    if (!this.#running) this.#start();
  }

  /**
   * Drops the waiting calls, unsubscribes from all observables and aborts the running call, because the session has
   * closed.
   */
  drop(): void {
    this.#waiting.length = 0;
    this.services.slowConsumers.forget(this.session);
    if (this.#current?.values !== undefined) this.#unsubscribe(this.#current.values);
    this.#current?.abort?.abort(sessionLeft());
    for (const stream of this.#streams.keys()) this.#unsubscribe(stream);
    this.#streams.clear();
  }

  abandon(): void {
    const calls = [
      ...this.#streams.values(),
      ...(this.#current === undefined ? [] : [this.#current]),
      ...this.#waiting,
    ];
    this.drop();
    for (const call of calls) this.services.runner.abandoned(call);
  }

  #isFull(bytes: number): boolean {
    if (this.#waiting.length >= MAX_WAITING_CALLS || this.#streams.size >= MAX_WAITING_CALLS) return true;
    const { maxBytes } = this.services;
    const { heldBytes } = this.session;
    return maxBytes > 0 && heldBytes > 0 && heldBytes + bytes > maxBytes;
  }

  /** Runs one call in a turn for which the queue has waited; the next call waits where the turn is over. */
  takeTurn(): boolean {
    return this.#runOne() && this.#runWaiting();
  }

  #start(): void {
    this.#running = true;
    this.services.counters.handlersRunning++;
    const { arriving } = this.session;
    if (arriving === undefined) void this.#runWaiting();
    else void arriving.then(() => this.#runWaiting());
  }

  /**
   * Runs the calls that wait, up to one that must be awaited or to the end of the turn; both go on from there. Returns
   * `false` where a call must be awaited.
   */
  #runWaiting(): boolean {
    const { turns, counters } = this.services;
    while (this.#waiting.length > 0) {
      // The first call waits as well: a session may begin a call with each of the many chunks of one turn.
      if (turns.mustYield()) {
        turns.wait(this);
        return true;
      }
      if (!this.#runOne()) return false;
    }
    this.#current = undefined;
    counters.handlersRunning--;
    this.#running = false;
    return true;
  }

  /** Runs the first call; returns `false` where the call must be awaited, after which the queue goes on by itself. */
  #runOne(): boolean {
    // A session may close long before its socket, because a client may leave the close frame unanswered.
    if (this.session.closed) this.#waiting.length = 0;
    const call = (this.#current = this.#waiting.shift());
    if (call === undefined) return true;
    const running = this.services.runner.run(call);
    if (!isThenable(running)) {
      this.#keep(running, call);
      return true;
    }
    void this.#await(running, call);
    return false;
  }

  async #await(running: Promise<Subscription | undefined>, call: HandlerCall): Promise<void> {
    this.#keep(await running, call);
    void this.#runWaiting();
  }

  /** Keeps the subscription of an observable, and counts the bytes of its call until it ends. */
  #keep(stream: Subscription | undefined, call: HandlerCall): void {
    const { heldBytes } = call;
    this.#current = undefined;
    if (stream === undefined || stream.closed) return this.#release(heldBytes);
    if (this.session.closed) return this.#unsubscribe(stream);
    this.#streams.set(stream, call);
    stream.add(() => {
      this.#streams.delete(stream);
      this.#release(heldBytes);
    });
  }

  #release(heldBytes: number): void {
    this.services.slowConsumers.release(this.session, heldBytes);
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
