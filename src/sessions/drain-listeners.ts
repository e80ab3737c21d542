/** Listeners for sessions whose buffers drain. Only sessions with listeners take memory. */
export class DrainListeners<S extends object> {
  readonly #listeners = new Map<S, Set<() => void>>();

  /** Adds a listener, which {@link call} calls once. Returns a function that removes the listener. */
  add(session: S, listener: () => void): () => void {
    let listeners = this.#listeners.get(session);
    if (listeners === undefined) this.#listeners.set(session, (listeners = new Set()));
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(session) === listeners) this.#listeners.delete(session);
    };
  }

  /** Calls the listeners of a session in the order in which they were added, and removes them. */
  call(session: S): void {
    const listeners = this.#listeners.get(session);
    if (listeners === undefined) return;
    this.#listeners.delete(session);
    for (const listener of listeners) listener();
  }
}
