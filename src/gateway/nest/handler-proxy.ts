import { WsProxy } from '@nestjs/websockets/context/ws-proxy.js';
import { catchError, isObservable, type Observable } from 'rxjs';
import { containedValues } from '../dispatch/contained-values.js';
import type { GeneratorReader } from '../dispatch/generator-reader.js';
import { AwaitedValues, isGenerated, type Generated } from '../dispatch/handler-values.js';
import type { HandlerArguments, HandlerFilters } from './exception-filters.js';
import type { LateErrorListener } from './handler-interceptors.js';

type Target = (...args: unknown[]) => Promise<unknown>;

/**
 * Runs a handler with its guards, pipes and interceptors, and passes its exceptions through its filters. In place of
 * Nest's own proxy, which returns `undefined` for a failure that a filter has handled.
 */
export class HandlerProxy extends WsProxy {
  constructor(
    private readonly generators: GeneratorReader,
    private readonly onLate: LateErrorListener,
  ) {
    super();
  }

  override create(target: Target, filters: HandlerFilters, pattern?: string) {
    return async (...args: unknown[]): Promise<unknown> => {
      args.push(pattern ?? 'unknown'); // Nest's guards and filters read the pattern from the last argument
      try {
        const outcome = await target(...args);
        if (outcome instanceof AwaitedValues)
          return new AwaitedValues(this.#settling(outcome.values, filters, args as HandlerArguments));
        if (isGenerated(outcome)) return new AwaitedValues(this.#generated(outcome, filters, args as HandlerArguments));
        return isObservable(outcome) ? this.#settling(outcome, filters, args as HandlerArguments) : outcome;
      } catch (error) {
        return filters.settle(error, args as HandlerArguments);
      }
    };
  }

  #generated(generator: Generated, filters: HandlerFilters, args: HandlerArguments): Observable<unknown> {
    const values = this.generators.values(generator, args[0].session, (error) => this.onLate(args, error));
    return values.pipe(catchError((error: unknown) => filters.settle(error, args)));
  }

  /** Passes a failure of the observable through the filters. */
  #settling(values: Observable<unknown>, filters: HandlerFilters, args: HandlerArguments): Observable<unknown> {
    const contained = containedValues(values, (error) => this.onLate(args, error));
    return contained.pipe(catchError((error: unknown) => filters.settle(error, args)));
  }
}
