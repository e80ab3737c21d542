import {
  EVERYONE,
  MAX_RECEIVER_CHARACTERS,
  MAX_TYPE_CHARACTERS,
  RESERVED_PREFIX,
  ROOM_PREFIX,
  SERVER,
  USER_PREFIX,
} from './tables/limits.js';

/** A node id is 48 random bits in base64url. */
export const NODE_ID_BYTES = 6;
export const NODE_ID_CHARACTERS = 8;
/** A session id is the id of its first node, a dot and 96 random bits in base64url. */
export const SESSION_RANDOM_BYTES = 12;
export const SESSION_RANDOM_CHARACTERS = 16;
export const SESSION_ID_CHARACTERS = NODE_ID_CHARACTERS + 1 + SESSION_RANDOM_CHARACTERS;

const NODE = `[A-Za-z0-9_-]{${NODE_ID_CHARACTERS}}`;
const SESSION = `${NODE}\\.[A-Za-z0-9_-]{${SESSION_RANDOM_CHARACTERS}}`;
const ROOM = `[A-Za-z0-9._:-]{1,${MAX_RECEIVER_CHARACTERS - 1}}`;
const USER = `[\\s\\S]{1,${MAX_RECEIVER_CHARACTERS - 1}}`;
const SERVER_NAME = `${SERVER}(/[A-Za-z0-9._-]{1,64})?`;

const NODE_ID = new RegExp(`^${NODE}$`);
export const SESSION_ID = new RegExp(`^${SESSION}$`);
/** The type of any message; {@link isApplicationType} excludes the types of the server. */
export const MESSAGE_TYPE = new RegExp(`^[A-Za-z0-9._:-]{1,${MAX_TYPE_CHARACTERS}}$`);
/** The sender of messages of the server and, as `server/NAME`, of other back ends. */
export const SERVER_SENDER = new RegExp(`^${SERVER_NAME}$`);
/** The sender of a delivered message: a session or the server. */
export const DELIVERED_SENDER = new RegExp(`^(${SERVER_NAME}|${SESSION})$`);
/** The name of a room, without the `#`. */
export const ROOM_NAME = new RegExp(`^${ROOM}$`);
/** A room as a receiver. */
export const ROOM_RECEIVER = new RegExp(`^${ROOM_PREFIX}${ROOM}$`);
/** A user as a receiver. Counts characters beyond the basic plane as one, as `MessageDto` does. */
export const USER_RECEIVER = new RegExp(`^${USER_PREFIX}${USER}$`, 'u');
/** A user or a room as a receiver. */
export const GROUP_RECEIVER = new RegExp(`^(${ROOM_PREFIX}${ROOM}|${USER_PREFIX}${USER})$`, 'u');
/** The receiver of a delivered message: a session, everyone, a room or a user. */
export const DELIVERED_RECEIVER = new RegExp(
  `^(\\${EVERYONE}|${SESSION}|${ROOM_PREFIX}${ROOM}|${USER_PREFIX}${USER})$`,
  'u',
);
/** A receiver that begins like a user or a room, and cannot be one; `invalid_message`. */
export const INVALID_GROUP_RECEIVER = new RegExp(`^(${ROOM_PREFIX}(?!${ROOM}$)|${USER_PREFIX}$)`, 'u');

/** Returns whether a text is a node id. Other texts may not be valid NATS subjects. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}

/** Returns the node id in a session id, or `undefined` where the text is not a session id. */
export function nodeIdOf(text: string): string | undefined {
  return SESSION_ID.test(text) ? text.slice(0, NODE_ID_CHARACTERS) : undefined;
}

/** Returns whether a valid sender is `server` or `server/NAME`, and not a session. Cheaper than a pattern. */
export function isServerSender(sender: string): boolean {
  return sender.startsWith(SERVER) && (sender.length === SERVER.length || sender[SERVER.length] === '/');
}

/** Returns whether a text is the name of a room, without the `#`. */
export function isRoomName(text: unknown): text is string {
  return typeof text === 'string' && ROOM_NAME.test(text);
}

/** Returns whether a receiver begins like a user or a room. */
export function isGroup(receiver: string): boolean {
  return receiver.startsWith(ROOM_PREFIX) || receiver.startsWith(USER_PREFIX);
}

/** Returns whether a type belongs to the server. */
export function isReserved(type: string): boolean {
  return type.startsWith(RESERVED_PREFIX);
}

/** Returns whether handlers and applications may send messages of this type. */
export function isApplicationType(type: unknown): type is string {
  return typeof type === 'string' && MESSAGE_TYPE.test(type) && !isReserved(type);
}
