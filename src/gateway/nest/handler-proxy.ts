import { WsProxy } from '@nestjs/websockets/context/ws-proxy.js';
import { catchError, from, isObservable, type Observable } from 'rxjs';
import type { HandlerTurns } from '../dispatch/handler-turns.js';
import { AwaitedValues, generatedValues, isGenerated, type Generated } from '../dispatch/handler-values.js';
import type { HandlerArguments, HandlerFilters } from './exception-filters.js';
import type { LateErrorListener } from './handler-interceptors.js';

type Target = (...args: unknown[]) => Promise<unknown>;

/**
 * Runs a handler with its guards, pipes and interceptors, and passes its exceptions through its filters. In place of
 * Nest's own proxy, which returns `undefined` for a failure that a filter has handled.
 */
export class HandlerProxy extends WsProxy {
  constructor(
    private readonly turns: HandlerTurns,
    private readonly onLate: LateErrorListener,
  ) {
    super();
  }

  override create(target: Target, filters: HandlerFilters, pattern?: string) {
    return async (...args: unknown[]): Promise<unknown> => {
      args.push(pattern ?? 'unknown'); // Nest's guards and filters read the pattern from the last argument
      try {
        const outcome = await target(...args);
        if (outcome instanceof AwaitedValues) return new AwaitedValues(settling(outcome.values, filters, args));
        if (isGenerated(outcome)) return new AwaitedValues(settling(this.#generated(outcome, args), filters, args));
        return isObservable(outcome) ? settling(outcome, filters, args) : outcome;
      } catch (error) {
        return filters.settle(error, args as HandlerArguments);
      }
    };
  }

  #generated(generator: Generated, args: unknown[]): Observable<unknown> {
    return generatedValues(generator, this.turns, (error) => this.onLate(args as HandlerArguments, error));
  }
}

/** Passes a failure of the observable through the filters. */
function settling(values: Observable<unknown>, filters: HandlerFilters, args: unknown[]): Observable<unknown> {
  // An observable of another copy of rxjs becomes one of this copy.
  return from(values).pipe(catchError((error: unknown) => filters.settle(error, args as HandlerArguments)));
}
