import { Client } from './client.js';
import type { ConnectOptions } from './connect-options.js';
import type { MessageMap } from './messages.js';

export { SendError } from './send-error.js';
export type { ClientCode, SendCode, SendErrorDetails } from './send-error.js';
export type { Client } from './client.js';
export type { ConnectOptions, MessageOptions, SendOptions, StreamOptions, WhoOptions } from './connect-options.js';
/** @deprecated Use {@link ConnectOptions}, {@link SendOptions} and {@link WhoOptions}. */
export type {
  ConnectOptions as ConnectParts,
  SendOptions as SendParts,
  WhoOptions as WhoParts,
} from './connect-options.js';
export type { FailedMessage } from './failures.js';
export type { PageListener, WatchPage } from './page-life.js';
export type { SocketClass, SocketLike } from './socket.js';
export type { Token, TokenSource } from './token-refresher.js';
export type { MessageMap, Phase, StateChange } from './messages.js';
export type {
  Ack,
  Envelope,
  ErrorData,
  MembersPage,
  Presence,
  ServerMessageMap,
  SessionEntry,
  ShownSession,
} from './wire.js';
/** @deprecated Use {@link MessageMap}. */
export type { MessageMap as AnyWords } from './messages.js';
/** @deprecated Use {@link ErrorData} and {@link ServerMessageMap}. */
export type { ErrorData as Refusal, ServerMessageMap as ServerWords } from './wire.js';

/**
 * Connects to a Switchboard server. Reconnects whenever the connection is lost, until {@link Client.close} or a close
 * code after which a client must stop.
 *
 * @param url such as `wss://example.org/wss`
 * @throws {TypeError} where the environment has no WebSocket and the options name none
 */
export function connect<Messages extends object = MessageMap>(
  url: string,
  options: ConnectOptions = {},
): Client<Messages> {
  return new Client<Messages>(url, options);
}
