import type { AnswerListener } from './request.js';
import { SendError } from './send-error.js';

/** Iterates over the answers of a handler in the order of their arrival. Buffers the answers that are not read yet. */
export class AnswerStream<Value> implements AsyncIterableIterator<Value, undefined>, AnswerListener {
  readonly isStream = true;
  readonly #values: Value[] = [];
  #end: { readonly error?: unknown } | undefined;
  /** Wake the calls of `next` that wait for a value or the end. */
  readonly #waiting: (() => void)[] = [];

  /**
   * @param bufferSize answers that may be buffered; one more ends the iteration with `buffer_full`
   * @param stop called where the iteration ends before the request does; with an error where the buffer is full
   */
  constructor(
    private readonly bufferSize: number,
    private readonly stop: (error?: SendError) => void,
  ) {}

  answer(value: unknown): void {
    if (this.#values.length < this.bufferSize) {
      this.#values.push(value as Value);
      return this.#notify();
    }
    const error = new SendError('buffer_full', `Over bufferSize (${this.bufferSize}).`, { sent: true });
    this.finish(error);
    this.stop(error);
  }

  /** Ends the iteration behind the buffered answers, with an error if there is one. */
  finish(error?: unknown): void {
    this.#end ??= { error };
    this.#notify();
  }

  next(): Promise<IteratorResult<Value, undefined>> {
    const next = this.#next();
    next.catch(() => undefined); // a promise that nobody awaits must not end a Node process
    return next;
  }

  /** Called by `break`, `return` and `throw` in a `for await` loop. */
  return(): Promise<IteratorResult<Value, undefined>> {
    this.#values.length = 0;
    this.#end = {};
    this.#notify();
    this.stop();
    return this.next();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<Value, undefined>> {
    while (!this.#values.length && !this.#end) await new Promise<void>((wake) => this.#waiting.push(wake));
    if (this.#values.length) return { done: false, value: this.#values.shift()! };
    const { error } = this.#end!;
    this.#end = {}; // an iterator that has thrown is done
    if (error) throw error;
    return { done: true, value: undefined };
  }

  #notify(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
