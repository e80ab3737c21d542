import { catchError, isObservable, type Observable } from 'rxjs';
import { containedValues } from '../dispatch/contained-values.js';
import type { GeneratorReader } from '../dispatch/generator-reader.js';
import { AwaitedValues, isGenerated, type Generated } from '../dispatch/handler-values.js';
import { isThenable } from '../thenable.js';
import type { HandlerArguments, HandlerFilters } from './exception-filters.js';
import type { LateErrorListener } from './handler-interceptors.js';

/** A handler with its guards, pipes and interceptors. Returns a promise only where something must be awaited. */
export type Target = (args: HandlerArguments) => unknown;

/**
 * Runs a handler with its guards, pipes and interceptors, and passes its exceptions through its filters. In place of
 * Nest's own proxy, which returns `undefined` for a failure that a filter has handled, and a promise for every message.
 */
export class HandlerProxy {
  constructor(
    private readonly generators: GeneratorReader,
    private readonly onLate: LateErrorListener,
  ) {}

  create(target: Target, filters: HandlerFilters, pattern: string | undefined): (...args: HandlerArguments) => unknown {
    return (...args) => {
      args.push(pattern ?? 'unknown'); // Nest's guards and filters read the pattern from the last argument
      try {
        const outcome = target(args);
        return isThenable(outcome) ? this.#awaited(outcome, filters, args) : this.#valuesOf(outcome, filters, args);
      } catch (error) {
        return filters.settle(error, args);
      }
    };
  }

  async #awaited(outcome: PromiseLike<unknown>, filters: HandlerFilters, args: HandlerArguments): Promise<unknown> {
    try {
      return this.#valuesOf(await outcome, filters, args);
    } catch (error) {
      return filters.settle(error, args);
    }
  }

  /** Returns an outcome whose own failures go through the filters, too. */
  #valuesOf(outcome: unknown, filters: HandlerFilters, args: HandlerArguments): unknown {
    if (typeof outcome !== 'object' || outcome === null) return outcome;
    if (outcome instanceof AwaitedValues) return new AwaitedValues(this.#settling(outcome.values, filters, args));
    if (isGenerated(outcome)) return new AwaitedValues(this.#generated(outcome, filters, args));
    return isObservable(outcome) ? this.#settling(outcome, filters, args) : outcome;
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
