import { Observable, Subscription, type Subscriber } from 'rxjs';
import type { Session } from '../../sessions/session.js';
import type { SlowConsumers } from '../../sessions/slow-consumers.js';
import type { HandlerTurns } from './handler-turns.js';
import type { Generated } from './handler-values.js';

type Reader = AsyncIterator<unknown> | Iterator<unknown>;

/** Reads generators as fast as their sessions read: over `OUTBOX_HIGH_WATER_BYTES` none is asked for a value. */
export class GeneratorReader {
  constructor(
    private readonly turns: HandlerTurns,
    private readonly slowConsumers: Pick<SlowConsumers, 'onceDrained'>,
  ) {}

  /**
   * Emits the values of a generator, over turns of the event loop. Unsubscribing ends the generator by its `return()`.
   *
   * @param session gets the values
   * @param onLate receives an error that the generator throws after that
   */
  values(generator: Generated, session: Session | undefined, onLate: (error: unknown) => void): Observable<unknown> {
    return new Observable((subscriber) => {
      const iterator =
        Symbol.asyncIterator in generator ? generator[Symbol.asyncIterator]() : generator[Symbol.iterator]();
      const reading = this.#emit(iterator, session, subscriber).catch((error: unknown) => {
        if (subscriber.closed) onLate(error);
        else subscriber.error(error);
      });
      return () => void end(iterator, reading).catch(onLate);
    });
  }

  async #emit(iterator: Reader, session: Session | undefined, subscriber: Subscriber<unknown>): Promise<void> {
    // Loops check this in the turn of what follows, because one drain wakes all generators of a session.
    const mustWait = (): boolean => session?.outbox.overloaded === true && !subscriber.closed;
    for (let isFirst = true; ; isFirst = false) {
      const result = await iterator.next();
      if (subscriber.closed) return;
      if (result.done === true) return subscriber.complete();
      // Other messages may have filled the buffer meanwhile. The first value is sent as a single answer is.
      if (!isFirst) while (mustWait()) await this.#drained(session!, subscriber);
      subscriber.next(result.value);
      // A generator that waits for nothing would otherwise keep the process from everything else.
      if (this.turns.mustYield()) await this.turns.next();
      while (mustWait()) await this.#drained(session!, subscriber);
      if (subscriber.closed) return;
    }
  }

  /** Resolves once the session has drained, or the values are unsubscribed. */
  #drained(session: Session, subscriber: Subscriber<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const waiting = new Subscription(resolve);
      waiting.add(this.slowConsumers.onceDrained(session, () => waiting.unsubscribe()));
      subscriber.add(waiting);
    });
  }
}

/** Ends a generator; does nothing for one that has ended. */
async function end(iterator: Reader, reading: Promise<void>): Promise<void> {
  await iterator.return?.();
  await reading;
}
