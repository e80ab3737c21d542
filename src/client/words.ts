import type { Delivered } from '../protocol/delivered.js';
import type { ServerWords } from '../protocol/words.js';

export type { Ack, Refusal } from '../protocol/server-data.js';
export type { ServerWords };

/** What comes from the server: `data` is what the sender wrote. */
export interface Envelope<Data = unknown> extends Omit<Delivered, 'data'> {
  readonly data: Data;
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
