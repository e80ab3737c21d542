import { Client, type ConnectParts } from './client.js';
import type { AnyWords } from './words.js';

export { SendError } from './send-error.js';
export type { ClientCode, SendCode, SendErrorDetails } from './send-error.js';
export type { Client, ConnectParts, SendParts, WhoParts } from './client.js';
export type { SocketClass, SocketLike } from './socket.js';
export type { Token, TokenSource } from './token-keeper.js';
export type { Ack, AnyWords, Envelope, Phase, Refusal, ServerWords, StateChange } from './words.js';

/**
 * Connects to a Switchboard server, and again whenever the connection is lost, until {@link Client.close} or a close
 * code that says stop.
 *
 * @param url such as `wss://example.org/wss`
 */
export function connect<Words extends object = AnyWords>(url: string, parts: ConnectParts = {}): Client<Words> {
  return new Client<Words>(url, parts);
}
