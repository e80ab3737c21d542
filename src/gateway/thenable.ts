/**
 * Returns whether `await` would wait for a value. `instanceof Promise` would not find the promises of async functions where
 * an application replaces the global `Promise`.
 */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const isHolder = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isHolder && typeof (value as { then?: unknown }).then === 'function';
}
