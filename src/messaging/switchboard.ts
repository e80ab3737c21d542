import { Injectable } from '@nestjs/common';
import {
  checkClose,
  DEFAULT_PAGE,
  EVERYONE,
  isApplicationType,
  MAX_PAGE,
  MessageError,
  SERVER,
  textFrame,
  type Frame,
  type ServerCloseCode,
} from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { Session } from '../sessions/session.js';
import { Broadcaster, localOnly } from './broadcaster.js';
import { MessageRouter } from './message-router.js';

/** One page of this node's sessions, in the order of their ids. */
export interface ListedSessions {
  readonly sessions: readonly Session[];
  /** All sessions of this node. */
  readonly total: number;
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string;
}

/** Sends messages and finds sessions. Inject it into a handler. */
@Injectable()
export class Switchboard {
  constructor(
    private readonly router: MessageRouter,
    private readonly broadcaster: Broadcaster,
    private readonly sessions: SessionRegistry,
  ) {}

  /**
   * Sends one message in the name of a session or of the server, without waiting. The node of a remote receiver may
   * still refuse the message.
   *
   * @param receiver a session's id, or `"*"` for every session but the sender
   * @param data any JSON value; `undefined` omits the field `data`
   * @throws {MessageError} `receiver_not_found`, `receiver_overloaded`, `unavailable`
   * @throws {TypeError} for arguments that cannot be a message, such as data that JSON cannot hold
   */
  send(sender: Session | typeof SERVER, receiver: string, type: string, data?: unknown): void {
    if (receiver === EVERYONE) this.broadcast(sender, type, data);
    else void this.#send(sender, receiver, type, data);
  }

  /**
   * Sends one message and resolves when it is on its receiver's connection, on whatever node.
   *
   * @throws {MessageError} `receiver_not_found`, `receiver_overloaded`, `unavailable`
   * @throws {TypeError} for arguments that cannot be a message, such as data that JSON cannot hold
   */
  async deliver(sender: Session | typeof SERVER, receiver: string, type: string, data?: unknown): Promise<void> {
    if (receiver === EVERYONE) this.broadcast(sender, type, data);
    else await this.#send(sender, receiver, type, data);
  }

  /**
   * Sends one message to each of these sessions but the sender, without waiting. The node of a remote receiver may still
   * refuse the message. Returns how many receivers were skipped because they have left or read too slowly, or because
   * their node is unreachable.
   *
   * @param receivers sessions, or ids of sessions; a departed session is skipped
   * @param data any JSON value, encoded once; `undefined` omits the field `data`
   * @throws {TypeError} for arguments that cannot be a message, such as data that JSON cannot hold, and for a receiver
   *   `"*"`; nothing is sent then
   */
  multicast(
    sender: Session | typeof SERVER,
    receivers: Iterable<Session | string>,
    type: string,
    data?: unknown,
  ): number {
    const message = new EncodedMessage(sender, type, data);
    const ids = idsOf(receivers);
    if (!this.#announce(sender)) return 0;
    let skipped = 0;
    let sentBytes = 0;
    for (const id of ids) {
      if (id === message.senderId) continue;
      const frame = message.frameFor(id);
      try {
        void this.router.deliver(sender, id, frame);
        sentBytes += frame.length;
      } catch (error) {
        if (!(error instanceof MessageError)) throw error;
        skipped++;
      }
    }
    if (sender !== SERVER) sender.outbox.chargeTurn(sentBytes);
    return skipped;
  }

  /**
   * Sends one message to every session but the sender. Returns the local sessions skipped because they read too slowly.
   *
   * @param data any JSON value; `undefined` omits the field `data`
   * @throws {MessageError} `unavailable` where only the sessions of this node received it
   * @throws {TypeError} for arguments that cannot be a message, such as data that JSON cannot hold
   */
  broadcast(sender: Session | typeof SERVER, type: string, data?: unknown): number {
    const frame = new EncodedMessage(sender, type, data).frameFor(EVERYONE);
    if (!this.#announce(sender)) return 0;
    const { skipped, complete } = this.broadcaster.broadcast(frame, sender === SERVER ? undefined : sender);
    if (!complete) throw localOnly();
    return skipped;
  }

  /** Returns the local session with this id; `undefined` once it has departed. */
  find(id: string): Session | undefined {
    return this.sessions.find(id);
  }

  /**
   * Lists one page of this node's sessions.
   *
   * @param page `after`: the last page's `next`; `limit`: 1 to 1,000, 100 by default
   * @throws {RangeError} where `limit` is out of range
   */
  list({ after, limit = DEFAULT_PAGE }: { readonly after?: string; readonly limit?: number } = {}): ListedSessions {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE)
      throw new RangeError(`limit must be a whole number from 1 to ${MAX_PAGE}`);
    const { sessions, ...rest } = this.sessions.page(after, limit);
    const found = sessions.map((id) => this.sessions.find(id));
    return { sessions: found.filter((session) => session !== undefined), ...rest };
  }

  /**
   * Closes a local session once everything sent to it is written. Returns whether a session has this id.
   *
   * @param code a close code of the protocol; after 4000 `kicked` a client does not reconnect
   * @throws {RangeError} for a code that no close frame may have; the session stays open
   * @throws {TypeError} for an id that is not a string
   */
  close(id: string, code: ServerCloseCode = 4000): boolean {
    if (typeof id !== 'string') throw new TypeError(`close takes the id of a session, and not ${kindOf(id)}`);
    checkClose(code);
    const session = this.sessions.find(id);
    session?.close(code);
    return session !== undefined;
  }

  #send(sender: Session | typeof SERVER, receiver: string, type: string, data: unknown): Promise<void> | undefined {
    const frame = new EncodedMessage(sender, type, data).frameFor(receiver);
    return this.#announce(sender) ? this.router.deliver(sender, receiver, frame) : undefined;
  }

  /** Announces the sender of a message. @returns `false` where the sender has left, and nothing may be sent */
  #announce(sender: Session | typeof SERVER): boolean {
    if (sender === SERVER) return true;
    if (!sender.closed) this.sessions.announce(sender);
    return !sender.closed;
  }
}

/** A message without its receiver. Its data is encoded once; nothing has changed where it cannot be encoded. */
class EncodedMessage {
  readonly senderId: string;
  readonly #type: string;
  readonly #dataField: string;

  /** @throws {TypeError} for a sender or a type that no message may have, and for data that JSON cannot hold */
  constructor(sender: Session | typeof SERVER, type: unknown, data: unknown) {
    if (sender !== SERVER && !(sender instanceof Session))
      throw new TypeError(`the sender of a message must be a Session or SERVER, and not ${kindOf(sender)}`);
    if (!isApplicationType(type))
      throw new TypeError(
        `a handler sent ${typeof type === 'string' ? JSON.stringify(type) : kindOf(type)}, which no application message may have as its type`,
      );
    this.senderId = sender === SERVER ? SERVER : sender.id;
    this.#type = type;
    this.#dataField = data === undefined ? '' : `,"data":${jsonOf(type, data)}`;
  }

  /** @throws {TypeError} for a receiver that is not a string */
  frameFor(receiver: unknown): Frame {
    if (typeof receiver !== 'string') throw notReceiver(receiver, `a session's id or "*"`);
    const head = `{"type":"${this.#type}","sender":"${this.senderId}","receiver":${JSON.stringify(receiver)}`;
    return textFrame(`${head}${this.#dataField}}`);
  }
}

/** @throws {TypeError} for a text in place of a list, and for a receiver that is not a single session */
function idsOf(receivers: Iterable<Session | string>): string[] {
  if (typeof receivers === 'string') throw new TypeError('multicast takes a list of receivers; use send for one');
  return Array.from(receivers, (receiver) => {
    if (receiver === EVERYONE) throw new TypeError('multicast sends to single sessions; use broadcast to send to "*"');
    if (receiver instanceof Session) return receiver.id;
    if (typeof receiver !== 'string') throw notReceiver(receiver, `a Session or a session's id`);
    return receiver;
  });
}

function notReceiver(found: unknown, expected: string): TypeError {
  return new TypeError(`the receiver of a message must be ${expected}, and not ${kindOf(found)}`);
}

function jsonOf(type: string, data: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (error) {
    throw new TypeError(`the data of "${type}" cannot be encoded: ${String(error)}`, { cause: error });
  }
  // A function, a symbol, or a value whose `toJSON` returns nothing: the receiver would get a message without data.
  if (json === undefined) throw new TypeError(`the data of "${type}" cannot be encoded: ${kindOf(data)} has no JSON`);
  return json;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object'
    ? `an object (${value.constructor?.name ?? 'without a class'})`
    : `a ${typeof value}`;
}
