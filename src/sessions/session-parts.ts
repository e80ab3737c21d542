import type { Session } from './session.js';

/** Saves and restores the data that one folder keeps of each session. */
export interface SessionPart {
  /** Returns what another process needs, as JSON data; `undefined` where there is nothing. */
  save(session: Session): unknown;
  /**
   * Gives a restored session what {@link save} has returned. All restored sessions are in the registry. Notifies nobody and
   * calls no hook, because the session has had all of this before.
   *
   * @throws {Error} for data of another form
   */
  restore(session: Session, data: unknown): void;
  /** Sends what waits for a time, because all sessions are about to be saved. */
  flush?(): void;
}

/** The parts of a session by their names. Each folder adds its own, because a lower one does not import it. */
export class SessionParts {
  readonly #parts = new Map<string, SessionPart>();

  /** Adds a part. The name is a part of the file format, so it stays the same. */
  add(name: string, part: SessionPart): void {
    this.#parts.set(name, part);
  }

  /** Sends what waits for a time in any part. */
  flush(): void {
    for (const part of this.#parts.values()) part.flush?.();
  }

  /** Returns the data of a session by the names of the parts. */
  save(session: Session): Readonly<Record<string, unknown>> {
    const saved: [string, unknown][] = [];
    for (const [name, part] of this.#parts) {
      const data = part.save(session);
      if (data !== undefined) saved.push([name, data]);
    }
    return Object.fromEntries(saved);
  }

  /** Restores all parts of a session. Ignores a part that this version does not have. */
  restore(session: Session, saved: Readonly<Record<string, unknown>>): void {
    for (const [name, data] of Object.entries(saved)) this.#parts.get(name)?.restore(session, data);
  }
}
