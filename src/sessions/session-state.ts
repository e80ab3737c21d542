import { jsonProblem } from './json-value.js';
import type { Session } from './session.js';

/** Key of a state, by which another process finds the value again. */
const KEY = /^[A-Za-z0-9._:-]{1,64}$/;
/** Characters of one value as JSON that a restart carries. */
const MAX_STATE_CHARACTERS = 65_536;

export interface SessionStateOptions {
  /**
   * Name of the state in this application, 1 to 64 of `A-Za-z0-9._:-`. With a key a restart carries the values as JSON, where
   * `RESUME_STATE_DIR` is set. States of one key share their values.
   */
  readonly key?: string;
}

/** Values of states with a key, by their keys. */
const keyed = new WeakMap<Session, Map<string, unknown>>();

/** Receives a state that a restart cannot carry, and the reason. */
export type StateProblem = (key: string, reason: string) => void;

/**
 * Keeps a value for each session: created at first use, released with the session. Nothing has to be deleted, because
 * only the session holds the value; that includes handlers that still run for a session that has ended.
 */
export class SessionState<T> {
  readonly #values = new WeakMap<Session, T>();
  readonly #key: string | undefined;

  /**
   * @param first creates the state of a session at the first access
   * @throws {TypeError} for a key that no state may have
   */
  constructor(
    private readonly first: (session: Session) => T,
    { key }: SessionStateOptions = {},
  ) {
    if (key !== undefined && (typeof key !== 'string' || !KEY.test(key)))
      throw new TypeError('the key of a SessionState is 1 to 64 of A-Z, a-z, 0-9, ".", "_", ":" and "-"');
    this.#key = key;
  }

  /** Returns the value of a session. */
  of(session: Session): T {
    const key = this.#key;
    const values = key === undefined ? undefined : keyed.get(session);
    if (key !== undefined && values?.has(key) === true) return values.get(key) as T;
    if (key === undefined && this.#values.has(session)) return this.#values.get(session) as T;
    const value = this.first(session);
    this.set(session, value);
    return value;
  }

  set(session: Session, value: T): void {
    if (this.#key === undefined) return void this.#values.set(session, value);
    const values = keyed.get(session) ?? new Map<string, unknown>();
    keyed.set(session, values.set(this.#key, value));
  }
}

/** Returns the states of a session that a restart carries, by their keys. @param onProblem receives each of the others */
export function savedStates(session: Session, onProblem: StateProblem): Readonly<Record<string, unknown>> | undefined {
  const states = keyed.get(session);
  if (states === undefined) return undefined;
  const saved: [string, unknown][] = [];
  for (const [key, value] of states) {
    const reason = jsonProblem(value, MAX_STATE_CHARACTERS);
    if (reason === undefined) saved.push([key, value]);
    else onProblem(key, reason);
  }
  return saved.length === 0 ? undefined : Object.fromEntries(saved);
}

/** Gives a session the states that {@link savedStates} has returned in a former process. */
export function restoreStates(session: Session, saved: Readonly<Record<string, unknown>>): void {
  keyed.set(session, new Map(Object.entries(saved)));
}
