import type { KeyList } from './key-list.js';

/** A source of the public keys of tokens: a URL or a file. */
export interface KeySource {
  /**
   * Returns the keys in use.
   *
   * @throws {TokenRefusal} where there are none
   */
  current(): Promise<KeyList>;
  /** Requests newer keys, unless that was done a moment ago, and returns the keys in use then. */
  newest(): Promise<KeyList>;
  /** Milliseconds until the source is tried again; `undefined` unless the last attempt failed. */
  readonly retryAfterMs: number | undefined;
}
