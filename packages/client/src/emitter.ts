import { SendError } from './send-error.js';

/**
 * Calls the listeners of an event. A listener that throws, or whose promise rejects, does not keep the event from the
 * other listeners.
 */
export class Emitter<Event> {
  readonly #listeners = new Set<readonly [type: string, listener: (event: Event) => unknown]>();

  /** Adds a listener for a type of event. Returns a function that removes the listener. */
  add(type: string, listener: (event: Event) => unknown): () => void {
    const entry = [type, listener] as const; // a function that is added twice is called twice
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  emit(type: string, event: Event): void {
    for (const [each, listener] of new Set(this.#listeners))
      if (each === type) (async () => listener(event))().catch(report); // called at once
  }
}

/** Reports an error as uncaught, like an error in a listener of an EventTarget. `onError` has reported a SendError. */
function report(error: unknown): void {
  if (error instanceof SendError) return;
  setTimeout(() => {
    throw error;
  });
}
