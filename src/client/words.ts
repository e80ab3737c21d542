import type { SessionPage, Welcome } from '../protocol/server-data.js';

/** What comes from the server: `data` is what the sender wrote. */
export interface Envelope<Data = unknown> {
  readonly type: string;
  /** The session it came from, or `server`. */
  readonly sender: string;
  /** This session, or `*` in a notice to all. */
  readonly receiver: string;
  readonly data: Data;
  readonly id?: string;
  readonly ref?: string;
}

/** What the server says by itself, and the `data` of each. */
export interface ServerWords {
  'sys.welcome': Welcome & { readonly protocol: number };
  'sys.arrived': { readonly user?: string } | undefined;
  'sys.departed': { readonly code: number };
  'sys.ack': Ack;
  'sys.error': Refusal;
  'sys.sessions': SessionPage;
  'sys.pong': unknown;
  'sys.reconnect': { readonly afterMs: number };
}

export interface Ack {
  readonly status: 'routed' | 'accepted';
  /** Receivers that a broadcast passed over because they read too slowly. */
  readonly skipped?: number;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number;
  readonly incident?: string;
}

/** The words of an application: the type of each message and of its `data`. */
export type AnyWords = Record<string, unknown>;

/** What can be listened to; `*` is everything. */
export type Heard<Words extends object> = (keyof Words & string) | keyof ServerWords | '*';

export type DataOf<Words extends object, Type> = Type extends keyof ServerWords
  ? ServerWords[Type]
  : Type extends keyof Words
    ? Words[Type]
    : unknown;

/** `connecting` to the server, `open`, `waiting` to come again, or `closed` for good. */
export type Phase = 'connecting' | 'open' | 'waiting' | 'closed';

export interface StateChange {
  readonly phase: Phase;
  /** The session id, when open; each connection has another. */
  readonly id?: string;
  /** Why the last connection ended; 1006 where no reason was heard. */
  readonly code?: number;
  readonly reason?: string;
  /** How long until the next attempt, when waiting. */
  readonly delayMs?: number;
}
