// The messages of the server as the client receives them. This package declares the types, because no file of the package
// may import another one. `test/client/wire-types.spec.ts` compares each type with its class in `src/protocol/`.

/** The codes of `sys.error` that the server itself gives; handlers may have codes of their own. */
export type ErrorCode =
  | 'malformed_json'
  | 'invalid_message'
  | 'reserved_type'
  | 'unknown_type'
  | 'receiver_not_found'
  | 'receiver_overloaded'
  | 'rate_limited'
  | 'forbidden'
  | 'refused'
  | 'unavailable'
  | 'not_joined'
  | 'too_many_rooms'
  | 'too_many_watches'
  | 'internal_error';

/** A message from the server; `data` is what the sender sent. */
export interface Envelope<Data = unknown> {
  readonly type: string;
  /** The session that sent the message, `server`, or `server/NAME` for another back end. */
  readonly sender: string;
  /** Your session id, `*` for a broadcast, `#ROOM` for a room message, or `@USER` for a message to a user. */
  readonly receiver: string;
  readonly data: Data;
  /** The reference of the sender. */
  readonly id?: string;
  /** The `id` of your message that is answered. */
  readonly ref?: string;
}

/** Names a session that may return after a lost connection, and how long the server keeps it. */
export interface Resume {
  /** Names the session in the handshake of its return; each welcome has a new one. */
  readonly token: string;
  /** Milliseconds for which the server keeps the session after the loss of its connection. */
  readonly windowMs: number;
  /** Bytes that the server keeps for the session. */
  readonly bytes: number;
}

/** The first message of each connection. */
export interface Welcome {
  readonly protocol: number;
  /** Milliseconds between two pings of the server. */
  readonly heartbeatMs: number;
  /** The longest message in bytes; a longer one would close the connection. */
  readonly maxMessageBytes: number;
  /** Which `sys.departed` this session gets; `rooms`: none, but `sys.left` of those that share a room with it. */
  readonly notices: 'all' | 'peers' | 'rooms' | 'none';
  /** Present where the session may return. */
  readonly resume?: Resume;
  /** Whether the session has returned; present where the client asked for a return. */
  readonly resumed?: boolean;
  /** Why the session has not returned. */
  readonly reason?: 'expired' | 'ended' | 'unknown' | 'node_lost' | 'overflow';
  /** Frames that the server has received from the session, where it has returned. */
  readonly received?: number;
  /** Milliseconds for which the session was away, where it has returned. */
  readonly awayMs?: number;
}

export interface Arrival {
  /** The user of the session, where the operator shows users. */
  readonly user?: string;
}

export interface Departure {
  /** The close code; 1005 for an empty close frame, 1006 for a cut connection. */
  readonly code: number;
}

export interface Ack {
  /**
   * `routed`: put on the receiver's connection. `held`: kept for a receiver that is away. `accepted`: a broadcast or a room
   * message was handed on, or a handler ran. `left`, `unwatched`: this session is no member of the room, or does not watch the user.
   */
  readonly status: 'routed' | 'held' | 'accepted' | 'left' | 'unwatched';
  /** Receivers that a broadcast or a room message skipped because they read too slowly. */
  readonly skipped?: number;
  /** Sessions of the user on whose connections the message was put. */
  readonly sessions?: number;
  /** Sessions of the user that are away and for which the message was kept. */
  readonly held?: number;
}

export interface ErrorData {
  /** One of {@link ErrorCode}, or a code that a handler chose. */
  readonly code: string;
  readonly message: string;
  /** Milliseconds after which a retry may succeed. */
  readonly retryAfterMs?: number;
  /** Identifies the entry with the details in the server's log. */
  readonly incident?: string;
}

export interface ShownSession {
  readonly id: string;
  /** Absent where the session has no user. */
  readonly user?: string;
  /** Set where the session has lost its connection and may return. */
  readonly away?: true;
}

/** A session: an id, or an object where the operator shows users, or the session is away. */
export type SessionEntry = string | ShownSession;

export interface SessionPage {
  readonly sessions: readonly SessionEntry[];
  /** The number of all sessions. */
  readonly total: number;
  /** The value of `after` for the next page; absent on the last page. */
  readonly next?: string;
}

/** A page of the members of a room. */
export interface MembersPage extends SessionPage {
  /** The name of the room, without `#`. */
  readonly room: string;
}

/** A session joined a room: `sender` is the session, `receiver` the room with `#`. */
export interface Joined {
  /** The user of the session, where the operator shows users. */
  readonly user?: string;
}

/** A session left a room: `sender` is the session, `receiver` the room with `#`. */
export interface Left {
  /** The close code, where the session ended. */
  readonly code?: number;
}

/** The number of members of a large room changed. */
export interface RoomTotal {
  /** The name of the room, without `#`. */
  readonly room: string;
  readonly total: number;
}

export interface Presence {
  /** The watched user, without `@`. */
  readonly user: string;
  readonly online: boolean;
  /** Number of sessions of the user on all nodes. */
  readonly sessions: number;
}

/** Counts of messages that this session missed at this place, because it read too slowly or was away. */
export interface Gap {
  /** Broadcasts and room messages. */
  readonly messages: number;
  /** Notices; where there are some, ask for the lists again. */
  readonly notices: number;
}

/** A message of this session, `ref`, was acknowledged, and its receiver ended without having seen it. */
export interface Undelivered {
  /** The session that ended. */
  readonly receiver: string;
}

/** The count of frames that a side has received. */
export interface Seen {
  readonly frames: number;
}

export interface Reconnect {
  /** Milliseconds from this notice until the client should reconnect. */
  readonly afterMs: number;
}

/** The `data` of each message type of the server. */
export interface ServerMessageMap {
  'sys.welcome': Welcome;
  'sys.arrived': Arrival | undefined;
  'sys.departed': Departure;
  'sys.ack': Ack;
  'sys.error': ErrorData;
  'sys.sessions': SessionPage;
  'sys.pong': unknown;
  'sys.reconnect': Reconnect;
  'sys.members': MembersPage;
  'sys.joined': Joined;
  'sys.left': Left;
  'sys.room': RoomTotal;
  'sys.presence': Presence;
  'sys.gap': Gap;
  'sys.away': undefined;
  'sys.back': undefined;
  'sys.undelivered': Undelivered;
  'sys.seen': Seen;
}
