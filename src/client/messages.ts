import type { DeliveredEnvelope } from '../protocol/delivered-envelope.js';
import type { ServerMessageMap } from '../protocol/tables/system-messages.js';

export type { Ack, ErrorData } from '../protocol/tables/server-data.js';
export type { ServerMessageMap };

/** What comes from the server: `data` is what the sender wrote. */
export interface Envelope<Data = unknown> extends Omit<DeliveredEnvelope, 'data'> {
  readonly data: Data;
}

/** The words of an application: the type of each message and of its `data`. */
export type MessageMap = Record<string, unknown>;

/** What can be listened to; `*` is everything. */
export type ReceivedMessage<Words extends object> = (keyof Words & string) | keyof ServerMessageMap | '*';

export type DataOf<Words extends object, Type> = Type extends keyof ServerMessageMap
  ? ServerMessageMap[Type]
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
