/** What stands in the `data` of the server's own words. Types alone: the client for browsers shares them. */

/** Which departures a session will be told: everybody's, those of its peers, or none. */
export type NoticeScope = 'all' | 'peers' | 'none';

export interface Welcome {
  readonly heartbeatMs: number;
  readonly maxMessageBytes: number;
  readonly notices: NoticeScope;
}

/** An entry of `sys.sessions`: an id, or with its user where the operator shows users. */
export type SessionEntry = string | { readonly id: string; readonly user?: string };

export interface SessionPage {
  /** In order of their ids. */
  readonly sessions: readonly SessionEntry[];
  /** Sessions in all. */
  readonly total: number;
  /** What to ask for as `after` to get the next page; absent on the last one. */
  readonly next?: string;
}
