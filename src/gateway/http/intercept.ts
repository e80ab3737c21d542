import type { EventEmitter } from 'node:events';

/**
 * Replaces the one listener of an event by `before`, which decides whether and when that listener handles the event.
 *
 * @throws {Error} where there is not exactly one listener, because the others would run without `before`
 */
export function intercept(
  emitter: EventEmitter,
  event: string,
  before: (handle: () => void, ...args: never[]) => void,
): void {
  const [listener, ...others] = emitter.listeners(event);
  if (listener === undefined || others.length > 0)
    throw new Error(`the server has ${emitter.listenerCount(event)} listeners for "${event}", where one is expected`);
  emitter.removeAllListeners(event);
  emitter.on(event, (...args) => before(() => void listener.apply(emitter, args), ...(args as never[])));
}
