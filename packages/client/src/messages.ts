import type { ServerMessageMap } from './wire.js';

export type { Ack, Envelope, ErrorData, ServerMessageMap } from './wire.js';

/** Maps each message type of an application to the type of its `data`. */
export type MessageMap = Record<string, unknown>;

/** The types that a listener can subscribe to; `*` is every type. */
export type ReceivedMessage<Messages extends object> = (keyof Messages & string) | keyof ServerMessageMap | '*';

export type DataOf<Messages extends object, Type> = Type extends keyof ServerMessageMap
  ? ServerMessageMap[Type]
  : Type extends keyof Messages
    ? Messages[Type]
    : unknown;

/** `waiting` is the time before a reconnect; after `closed` the client does not reconnect. */
export type Phase = 'connecting' | 'open' | 'waiting' | 'closed';

export interface StateChange {
  readonly phase: Phase;
  /** The session id, when open; each connection has a new one. */
  readonly id?: string;
  /** The close code of the last connection, when waiting or closed; 1006 if there was no close frame. */
  readonly code?: number;
  /** The reason of the close frame, or `no_token`, `no_welcome`, `not_switchboard` or `silent` beside 1006. */
  readonly reason?: string;
  /** Milliseconds until the next attempt, when waiting. */
  readonly delayMs?: number;
}
