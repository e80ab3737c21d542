import { Client, type ConnectOptions } from './client.js';
import type { MessageMap } from './messages.js';

export { SendError } from './send-error.js';
export type { ClientCode, SendCode, SendErrorDetails } from './send-error.js';
export type { Client, ConnectOptions, SendOptions, WhoOptions } from './client.js';
/** @deprecated Use {@link ConnectOptions}, {@link SendOptions} and {@link WhoOptions}. */
export type { ConnectOptions as ConnectParts, SendOptions as SendParts, WhoOptions as WhoParts } from './client.js';
export type { SocketClass, SocketLike } from './socket.js';
export type { Token, TokenSource } from './token-refresher.js';
export type { Ack, MessageMap, Envelope, Phase, ErrorData, ServerMessageMap, StateChange } from './messages.js';
/** @deprecated Use {@link MessageMap}, {@link ErrorData} and {@link ServerMessageMap}. */
export type { MessageMap as AnyWords, ErrorData as Refusal, ServerMessageMap as ServerWords } from './messages.js';

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
