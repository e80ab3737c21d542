import { SendError } from './send-error.js';

/**
 * Calls the listeners of an event. A listener that throws, or whose promise rejects, does not keep the event from the
 * other listeners.
 */
export class Emitter<Event> {
  readonly #listeners = new Map<string, Set<(event: Event) => unknown>>();

  /** Adds a listener for a type of event. Returns a function that removes the listener. */
  add(type: string, listener: (event: Event) => unknown): () => void {
    const entry = (event: Event): unknown => listener(event); // a function that is added twice is called twice
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(entry));
    return () => {
      listeners.delete(entry);
      if (listeners.size === 0 && this.#listeners.get(type) === listeners) this.#listeners.delete(type);
    };
  }

  emit(type: string, event: Event): void {
    for (const listener of new Set(this.#listeners.get(type)))
      try {
        const result = listener(event);
        if (result instanceof Promise) result.catch(report);
      } catch (error) {
        report(error);
      }
  }
}

/** Reports an error as uncaught, like an error in a listener of an EventTarget. `onError` has reported a SendError. */
function report(error: unknown): void {
  if (error instanceof SendError) return;
  setTimeout(() => {
    throw error;
  });
}
