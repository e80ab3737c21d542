import type { NestInterceptor } from '@nestjs/common';
import { InterceptorsConsumer } from '@nestjs/core/internal';
import { finalize, isObservable, Observable, of } from 'rxjs';
import type { Session } from '../../sessions/session.js';
import { containedValues } from '../dispatch/contained-values.js';
import type { GeneratorReader } from '../dispatch/generator-reader.js';
import { AwaitedValues, isGenerated } from '../dispatch/handler-values.js';
import type { HandlerArguments } from './exception-filters.js';

/** Receives an error of a handler whose outcome nothing waits for any more. */
export type LateErrorListener = (args: HandlerArguments, error: unknown) => void;

type Next = () => Promise<unknown>;
type InterceptParameters = Parameters<InterceptorsConsumer['intercept']>;

/** A call of a handler with interceptors. */
interface Call {
  readonly session: Session | undefined;
  /** Receives each error that nothing waits for. */
  readonly late: (error: unknown) => void;
}

/** Runs interceptors around a handler. The values of a generator are the values of an observable for them. */
export class HandlerInterceptors extends InterceptorsConsumer {
  readonly #calls = new WeakMap<Next, Call>();

  constructor(
    private readonly generators: GeneratorReader,
    private readonly onLate: LateErrorListener,
  ) {
    super();
  }

  override intercept(...parameters: InterceptParameters): Promise<unknown> {
    const [interceptors, , , , next] = parameters;
    return interceptors.length === 0 ? next() : this.#around(parameters, next);
  }

  async #around(
    [interceptors, args, instance, callback, , type]: InterceptParameters,
    next: Next,
  ): Promise<AwaitedValues> {
    const [{ session }] = args as HandlerArguments;
    const late = (error: unknown): void => this.onLate(args as HandlerArguments, error);
    let ended = false;
    const observed: Next = () => {
      const outcome = next();
      // Nest drops the error of a handler from which its interceptors have unsubscribed.
      outcome.catch((error: unknown) => ended && late(error));
      return outcome;
    };
    this.#calls.set(observed, { session, late });
    const contained = interceptors.map((each) => containedInterceptor(each, late));
    const values = await super.intercept(contained, args, instance, callback, observed, type);
    return new AwaitedValues((values as Observable<unknown>).pipe(finalize(() => (ended = true))));
  }

  /** Does what Nest does, and subscribes as soon, because an observable may emit right after the handler has returned. */
  override transformDeferred(next: Next): Observable<unknown> {
    const call = this.#calls.get(next)!;
    const outcome = next(); // at once, in the async context of the caller
    return new Observable((subscriber) => {
      outcome.then(
        (value) => (subscriber.closed ? undefined : this.#valuesOf(value, call).subscribe(subscriber)),
        (error: unknown) => subscriber.error(error),
      );
    });
  }

  #valuesOf(value: unknown, { session, late }: Call): Observable<unknown> {
    if (isGenerated(value)) return this.generators.values(value, session, late);
    return isObservable(value) ? containedValues(value, late) : of(value);
  }
}

/** Contains the values of an interceptor, because the interceptor around it flattens them. */
function containedInterceptor(interceptor: NestInterceptor, onError: (error: unknown) => void): NestInterceptor {
  return { intercept: async (context, next) => containedValues(await interceptor.intercept(context, next), onError) };
}
