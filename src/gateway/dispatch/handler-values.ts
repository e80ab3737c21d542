import type { Observable } from 'rxjs';

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
