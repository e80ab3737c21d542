/** Who listens to what. One that throws does not keep the others from hearing. */
export class Emitter<Heard> {
  readonly #listeners = new Map<string, Set<(receivedMessage: Heard) => void>>();

  /** Returns the way to stop listening. */
  add(type: string, listener: (receivedMessage: Heard) => void): () => void {
    const own = (receivedMessage: Heard): void => listener(receivedMessage); // the same function twice is two listeners
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set.add(own));
    return () => {
      set.delete(own);
      if (set.size === 0 && this.#listeners.get(type) === set) this.#listeners.delete(type);
    };
  }

  emit(type: string, receivedMessage: Heard): void {
    for (const listener of new Set(this.#listeners.get(type)))
      try {
        listener(receivedMessage);
      } catch (error) {
        setTimeout(() => {
          throw error; // where an event listener's error goes, too
        });
      }
  }
}
