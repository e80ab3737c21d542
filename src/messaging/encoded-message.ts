import { EVERYONE, isApplicationType, isGroup, SERVER, textFrame, type Frame } from '../protocol/index.js';
import { Session } from '../sessions/session.js';

/** A message without its receiver. Its data is encoded once; nothing has changed where it cannot be encoded. */
export class EncodedMessage {
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
    if (typeof receiver !== 'string') throw notReceiver(receiver, `a session's id or "*", "@USER" or "#ROOM"`);
    const head = `{"type":"${this.#type}","sender":"${this.senderId}","receiver":${JSON.stringify(receiver)}`;
    return textFrame(`${head}${this.#dataField}}`);
  }
}

/**
 * Returns the ids of a list of single sessions.
 *
 * @throws {TypeError} for a text in place of a list, and for a receiver that is not a single session
 */
export function idsOf(receivers: Iterable<Session | string>): string[] {
  if (typeof receivers === 'string') throw new TypeError('multicast takes a list of receivers; use send for one');
  return Array.from(receivers, (receiver) => {
    if (receiver instanceof Session) return receiver.id;
    if (typeof receiver !== 'string') throw notReceiver(receiver, `a Session or a session's id`);
    if (receiver === EVERYONE) throw new TypeError('multicast sends to single sessions; use broadcast to send to "*"');
    if (isGroup(receiver))
      throw new TypeError(`multicast sends to single sessions; use send to send to ${JSON.stringify(receiver)}`);
    return receiver;
  });
}

/** Describes a value of a wrong kind, for the text of an error. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object'
    ? `an object (${value.constructor?.name ?? 'without a class'})`
    : `a ${typeof value}`;
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
