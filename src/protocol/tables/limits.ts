/** Constants that are part of the protocol. Limits that an operator may change are in `settings/`. */

/** The version of the protocol, in every `sys.welcome`. */
export const PROTOCOL_VERSION = 1;
/** The subprotocol that is selected when a client offers it (RFC 6455, 1.9). */
export const SUBPROTOCOL = 'switchboard.v1';
/** Matches offered subprotocols that are parameters for the server and cannot be selected. */
export const PROTOCOL_PARAMETER = /^(bearer\.|resume(\.|$))/;
/** The subprotocol, or its prefix, of a client that wants its session to outlive a connection. */
export const RESUME = 'resume';
/** Each side reports what it has received after so many text frames, or so many bytes, or so many milliseconds. */
export const SEEN_FRAMES = 64;
export const SEEN_BYTES = 65_536;
export const SEEN_MS = 5000;
/** The type of such a report, which is not counted itself. */
export const SEEN_TYPE = 'sys.seen';
/** Bytes up to which a report of a client is not charged to rates. */
export const MAX_FREE_REPORT_BYTES = 256;
/** Prefix of a token among the offered subprotocols, because a page can set no other header of a WebSocket. */
export const TOKEN_PREFIX = 'bearer.';

export const MAX_TYPE_CHARACTERS = 64;
export const MAX_RECEIVER_CHARACTERS = 128;
export const MAX_ID_CHARACTERS = 64;

/** Prefix of the types of the server. */
export const RESERVED_PREFIX = 'sys.';
/** The sender of all messages of the server itself. */
export const SERVER = 'server';
/** The receiver of a broadcast: all sessions but the sender. */
export const EVERYONE = '*';
/** First character of a receiver that is a user: all sessions with this `sub` but the sender. */
export const USER_PREFIX = '@';
/** First character of a receiver that is a room: all members but the sender. */
export const ROOM_PREFIX = '#';

/** Sessions on one page of `sys.sessions` and of `sys.members`. */
export const DEFAULT_PAGE = 100;
export const MAX_PAGE = 1000;

/**
 * Handled messages of one session that may wait while one runs, and observables of one session that may be subscribed.
 */
export const MAX_WAITING_CALLS = 64;
/** Nesting depth of arrays and objects in the `data` of a handled message; deeper data is `invalid_message`. */
export const MAX_HANDLED_DEPTH = 64;
/** Fragments of one message that may be of any size, even empty (RFC 6455, 5.4). */
export const FREE_FRAGMENTS = 64;
/** Bytes that a message must bring before each further fragment; with fewer the session is closed with 1008. */
export const BYTES_PER_FRAGMENT = 64;
/**
 * Milliseconds that a closing handshake may take before the socket is cut. The protocol promises the end within 2 s.
 */
export const CLOSE_TIMEOUT_MS = 1500;
