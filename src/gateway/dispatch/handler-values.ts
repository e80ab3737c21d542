import { Observable, type Subscriber } from 'rxjs';
import type { HandlerTurns } from './handler-turns.js';

/** Values of a handler whose first value the queue of the session waits for, as it waits for a promise. */
export class AwaitedValues {
  constructor(readonly values: Observable<unknown>) {}
}

export type Generated = AsyncIterable<unknown> | Iterable<unknown>;

/**
 * Returns whether a value is a generator or another async iterable. Arrays, strings, maps and sets are plain values.
 */
export function isGenerated(value: unknown): value is Generated {
  if (typeof value !== 'object' || value === null) return false;
  if (Symbol.asyncIterator in value) return typeof value[Symbol.asyncIterator] === 'function';
  return 'next' in value && typeof value.next === 'function' && Symbol.iterator in value;
}

/**
 * Emits the values of a generator, over turns of the event loop. Unsubscribing ends the generator by its `return()`.
 *
 * @param onLate receives an error that the generator throws after that
 */
export function generatedValues(
  generator: Generated,
  turns: HandlerTurns,
  onLate: (error: unknown) => void,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const iterator =
      Symbol.asyncIterator in generator ? generator[Symbol.asyncIterator]() : generator[Symbol.iterator]();
    const reading = emit(iterator, subscriber, turns).catch((error: unknown) => {
      if (subscriber.closed) onLate(error);
      else subscriber.error(error);
    });
    return () => void end(iterator, reading).catch(onLate);
  });
}

type Reader = AsyncIterator<unknown> | Iterator<unknown>;

async function emit(iterator: Reader, subscriber: Subscriber<unknown>, turns: HandlerTurns): Promise<void> {
  for (;;) {
    const result = await iterator.next();
    if (subscriber.closed) return;
    if (result.done === true) return subscriber.complete();
    subscriber.next(result.value);
    // A generator that waits for nothing would otherwise keep the process from everything else.
    if (turns.mustYield()) await turns.next();
    if (subscriber.closed) return;
  }
}

/** Ends a generator; does nothing for one that has ended. */
async function end(iterator: Reader, reading: Promise<void>): Promise<void> {
  await iterator.return?.();
  await reading;
}
