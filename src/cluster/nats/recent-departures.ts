import type { Departure } from '../wire/node-message.js';

/** Departures that are kept; the oldest is dropped first. */
const MAX_DEPARTURES = 1000;

/** Keeps the close codes of the last departures, for the snapshots to nodes that missed the events. */
export class RecentDepartures {
  readonly #codes = new Map<string, number>();

  add(id: string, code: number): void {
    if (this.#codes.size >= MAX_DEPARTURES)
      for (const oldest of this.#codes.keys()) if (this.#codes.delete(oldest)) break;
    this.#codes.set(id, code);
  }

  all(): Departure[] {
    return [...this.#codes];
  }
}
