import type { Room } from './room.js';

/** Milliseconds between two notices of one room. */
const INTERVAL_MS = 1000;

/**
 * Reports changed sizes of rooms: the first change at once, those of the next second together at its end. One timer serves
 * all rooms, and only rooms that changed in the last second take memory.
 */
export class RoomTotals {
  /** Rooms that were reported in the last second, the earliest first. */
  readonly #recent = new Map<Room, { readonly reportedAtMs: number; hasChanged: boolean }>();
  #timer: NodeJS.Timeout | undefined;

  /** @param report sends the size of a room to its members */
  constructor(private readonly report: (room: Room) => void) {}

  /** Reports the size of a room, or does so later where it was reported within the last second. */
  changed(room: Room): void {
    const recent = this.#recent.get(room);
    if (recent === undefined) this.#report(room);
    else recent.hasChanged = true;
  }

  /** Takes back the report that a room waits for, because the caller sends it now. @returns `false` where none waits */
  take(room: Room): boolean {
    const recent = this.#recent.get(room);
    if (recent?.hasChanged !== true) return false;
    recent.hasChanged = false;
    return true;
  }

  /** Reports all sizes that wait. */
  flush(): void {
    for (const [room, recent] of this.#recent) {
      if (!recent.hasChanged) continue;
      recent.hasChanged = false;
      this.report(room);
    }
  }

  #report(room: Room): void {
    this.#recent.set(room, { reportedAtMs: performance.now(), hasChanged: false });
    this.report(room);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const [earliest] = this.#recent.values();
    if (earliest === undefined) return;
    // A millisecond more, because a timer may fire a part of one early.
    const delayMs = Math.max(0, earliest.reportedAtMs + INTERVAL_MS - performance.now()) + 1;
    this.#timer = setTimeout(() => this.#reportChanged(), delayMs).unref();
  }

  #reportChanged(): void {
    this.#timer = undefined;
    const dueMs = performance.now() - INTERVAL_MS;
    const changed: Room[] = [];
    for (const [room, { reportedAtMs, hasChanged }] of this.#recent) {
      if (reportedAtMs > dueMs) break;
      this.#recent.delete(room);
      if (hasChanged) changed.push(room);
    }
    for (const room of changed) this.#report(room);
    this.#schedule();
  }
}
